// wordpress.mjs URL SHOTS: WordPress's own installer, then what its users do.
import { visit, follow, fill, see } from "./browser.mjs";
const [url, shots] = process.argv.slice(2);

// publish saves a post through the block editor's own store, which sends it to the REST API as its Publish button does.
const publish = (page, post) => page.evaluate(async (post) => {
  const editor = wp.data.dispatch("core/editor");
  await editor.editPost({ ...post, status: "publish" });
  await editor.savePost();
  const why = wp.data.select("core").getLastEntitySaveError("postType", "post", wp.data.select("core/editor").getCurrentPostId());
  if (why) throw new Error(JSON.stringify(why));
  return wp.data.select("core/editor").getCurrentPost().link;
}, post);

await visit(shots, async (page, step) => {
  let link;
  await step("install", async () => {
    await page.goto(`${url}/wp-admin/install.php`);
    if (await page.$("#language-continue")) await follow(page, "#language-continue");
    await fill(page, { "#weblog_title": "Zorya's Gärten 🌻", "#user_login": "boss", "#pass1": "correct horse battery", "#admin_email": "boss@example.org" });
    await follow(page, "#submit");
    await see(page, "Success!");
  });
  await step("login", async () => {
    await page.goto(`${url}/wp-login.php`);
    await fill(page, { "#user_login": "boss", "#user_pass": "correct horse battery" });
    await follow(page, "#wp-submit");
    await see(page, "Dashboard");
  });
  await step("post", async () => {
    await page.goto(`${url}/wp-admin/post-new.php`);
    await page.waitForFunction(() => window.wp?.data?.select("core/editor")?.getCurrentPostId());
    link = await publish(page, { title: "Morning star ☄", content: "<!-- wp:paragraph --><p>Zorya Utrennyaya opens the gates for the sun’s chariot.</p><!-- /wp:paragraph -->" });
    await page.goto(link);
    await see(page, "opens the gates");
  });
  await step("edit", async () => {
    const id = await page.evaluate(() => document.body.className.match(/postid-(\d+)/)[1]);
    await page.goto(`${url}/wp-admin/post.php?post=${id}&action=edit`);
    await page.waitForFunction(() => window.wp?.data?.select("core/editor")?.getCurrentPostId());
    await publish(page, { title: "Morning star, revised" });
    await page.goto(link);
    await see(page, "Morning star, revised");
  });
  await step("comment", async () => {
    await page.goto(link);
    await fill(page, { "#comment": "Первый комментарий" });
    await follow(page, "#submit");
    await see(page, "Первый комментарий");
  });
  await step("search", async () => {
    await page.goto(`${url}/?s=chariot`);
    await see(page, "Morning star, revised");
    await page.goto(`${url}/?s=nothinglikethis`);
    const found = await page.evaluate(() => document.body.innerText.includes("Morning star, revised"));
    if (found) throw new Error("a search finds what does not match");
  });
  await step("category", async () => {
    await page.goto(`${url}/wp-admin/edit-tags.php?taxonomy=category`);
    await fill(page, { "#tag-name": "Myths" });
    await page.click("#submit");
    await see(page, "Category added.");
  });
  await step("posts-list", async () => {
    await page.goto(`${url}/wp-admin/edit.php`);
    await see(page, "Morning star, revised");
    await page.goto(`${url}/wp-admin/edit-comments.php`);
    await see(page, "Первый комментарий");
  });
  await step("plugin", async () => {
    await page.goto(`${url}/wp-admin/plugins.php`);
    await follow(page, "#activate-visits");
    await see(page, "Plugin activated.");
    for (const n of [1, 2, 3]) {
      await page.goto(`${url}/`);
      await see(page, `Visits of this page: ${n}`);
    }
  });
  await step("user", async () => {
    await page.goto(`${url}/wp-admin/user-new.php`);
    await fill(page, { "#user_login": "reader", "#email": "reader@example.org" });
    await follow(page, "#createusersub");
    await see(page, "New user created.");
  });
  await step("permalinks", async () => {
    await page.goto(`${url}/wp-admin/options-permalink.php`);
    await page.evaluate(() => { document.querySelector('input[name="selection"][value*="postname"]').checked = true; });
    await follow(page, "#submit");
    await page.goto(`${url}/index.php/morning-star/`).catch(() => {});
  });
  await step("trash", async () => {
    await page.goto(`${url}/wp-admin/edit.php`);
    await page.evaluate(() => { location.href = document.querySelector(".row-actions .trash a").href; });
    await see(page, "moved to the Trash");
  });
  await step("site-health", async () => {
    await page.goto(`${url}/wp-admin/site-health.php?tab=debug`);
    await page.evaluate(() => document.querySelector("#health-check-accordion-block-wp-database")?.removeAttribute("hidden"));
    await see(page, "Server version");
  });
});
