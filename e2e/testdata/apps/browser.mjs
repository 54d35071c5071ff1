// A headless Chromium for the application scripts: each script gets a page, steps that are printed as "ok NAME" or "FAIL NAME: why",
// and a screenshot after every step. Needs puppeteer-core beside NODE_PATH and the chromium package.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const puppeteer = createRequire(join(process.env.NODE_PATH, "x.js"))("puppeteer-core");

// Seconds that a page of a loaded machine may take.
const patience = 90_000;

// visit runs steps in a new browser: steps(page, step), where step(name, fn) does one thing that a user would do.
export async function visit(shots, steps) {
  mkdirSync(shots, { recursive: true });
  const browser = await puppeteer.launch({
    executablePath: "/usr/bin/chromium",
    // Pages that ask other hosts for fonts and avatars must not wait for them.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
    protocolTimeout: 2 * patience,
  });
  let failed = 0;
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1200, height: 900 });
    page.setDefaultTimeout(patience);
    page.on("dialog", (d) => d.accept());
    let n = 0;
    const step = async (name, fn) => {
      n++;
      const shot = join(shots, `${String(n).padStart(2, "0")}-${name}.png`);
      try {
        await fn();
        console.log(`ok ${name}`);
      } catch (e) {
        failed++;
        const text = await page.evaluate(() => document.body.innerText).catch(() => "");
        console.log(`FAIL ${name}: ${e.message.split("\n")[0]} at ${page.url()}: ${text.replace(/\s+/g, " ").slice(0, 600)}`);
      }
      await page.screenshot({ path: shot }).catch(() => {});
    };
    await steps(page, step);
  } finally {
    await browser.close();
  }
  process.exit(failed ? 1 : 0);
}

// click presses what the selector names and waits for the page that follows.
export async function follow(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.click(selector)]);
}

// fill puts values into fields, by selector, as typing does but for the focus, which pages move about while they load.
export async function fill(page, fields) {
  for (const [selector, value] of Object.entries(fields)) {
    await page.waitForSelector(selector);
    await page.$eval(selector, (e, value) => {
      e.value = value;
      for (const kind of ["input", "keyup", "change"]) e.dispatchEvent(new Event(kind, { bubbles: true }));
    }, value);
  }
}

// see fails unless the page shows the text.
export async function see(page, text) {
  const shown = (t) => document.body.innerText.replace(/\s+/g, " ").includes(t);
  await page.waitForFunction(shown, { timeout: 30_000 }, text).catch(() => {
    throw new Error(`the page does not show "${text}"`);
  });
}
