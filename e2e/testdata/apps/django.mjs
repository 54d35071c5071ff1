// django.mjs URL SHOTS: Django's admin, used as its users would.
import { visit, follow, fill, see } from "./browser.mjs";
const [url, shots] = process.argv.slice(2);

await visit(shots, async (page, step) => {
  await step("login", async () => {
    await page.goto(`${url}/admin/`);
    await fill(page, { "#id_username": "boss", "#id_password": "correct horse battery" });
    await follow(page, "input[type=submit]");
    await see(page, "Site administration");
  });
  await step("list", async () => {
    await page.goto(`${url}/admin/books/book/`);
    await see(page, "150 books");
  });
  await step("search", async () => {
    await page.goto(`${url}/admin/books/book/?q=Толстой`);
    await see(page, "60 results");
    await page.goto(`${url}/admin/books/book/?lent__exact=1&tags__id__exact=1`);
    await see(page, "20 books");
  });
  await step("add", async () => {
    await page.goto(`${url}/admin/books/book/add/`);
    await fill(page, { "#id_title": "Война и мир", "#id_price": "12.50", "#id_pages": "1225", "#id_blurb": "Eh bien, mon prince.", "#id_loan_set-0-reader": "Nadja", "#id_loan_set-0-since_0": "2026-01-02", "#id_loan_set-0-since_1": "10:00:00" });
    await page.waitForSelector("#id_authors_from option");
    await page.evaluate(() => document.querySelector("#id_authors_add_all_link").click());
    await follow(page, "input[name=_save]");
    await see(page, "was added successfully");
  });
  await step("change", async () => {
    await page.goto(`${url}/admin/books/book/?q=Война`);
    await follow(page, ".field-title a");
    await fill(page, { "#id_price": "13.75" });
    await follow(page, "input[name=_save]");
    await see(page, "was changed successfully");
    await page.goto(`${url}/admin/books/book/?q=Война`);
    await see(page, "13.75");
  });
  await step("refused", async () => {
    await page.goto(`${url}/admin/books/author/add/`);
    await fill(page, { "#id_name": "Ada" });
    await follow(page, "input[name=_save]");
    await see(page, "already exists");
  });
  await step("history", async () => {
    await page.goto(`${url}/admin/books/book/?q=Война`);
    await follow(page, ".field-title a");
    await follow(page, ".historylink");
    await see(page, "Changed Price");
  });
  await step("delete", async () => {
    await page.goto(`${url}/admin/books/book/?q=Война`);
    await page.click(".action-select");
    await page.select("select[name=action]", "delete_selected");
    await follow(page, "button[name=index]");
    await see(page, "Are you sure");
    await follow(page, "input[type=submit]");
    await see(page, "Successfully deleted 1 book");
  });
  await step("user", async () => {
    await page.goto(`${url}/admin/auth/user/add/`);
    await fill(page, { "#id_username": "reader", "#id_password1": "correct horse battery", "#id_password2": "correct horse battery" });
    await follow(page, "input[name=_save]");
    await see(page, "was added successfully");
  });
});
