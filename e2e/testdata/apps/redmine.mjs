// redmine.mjs URL SHOTS: an administrator and a member of a project in Redmine.
import { visit, follow, fill, see } from "./browser.mjs";
const [url, shots] = process.argv.slice(2);

await visit(shots, async (page, step) => {
  await step("login", async () => {
    await page.goto(`${url}/login`);
    await fill(page, { "#username": "admin", "#password": "admin" });
    await follow(page, "#login-submit");
    await fill(page, { "#password": "admin", "#new_password": "correct horse battery", "#new_password_confirmation": "correct horse battery" });
    await follow(page, 'input[name="commit"]');
    await see(page, "Password was successfully updated");
  });
  await step("project", async () => {
    await page.goto(`${url}/projects/new`);
    await fill(page, { "#project_name": "Звёзды", "#project_identifier": "stars", "#project_description": "What rises in the *morning*." });
    await follow(page, 'input[name="commit"]');
    await see(page, "Successful creation");
  });
  await step("issue", async () => {
    await page.goto(`${url}/projects/stars/issues/new`);
    await fill(page, { "#issue_subject": "Gate does not open 🚪", "#issue_description": "It is stuck since dawn." });
    await follow(page, '#issue-form input[name="commit"]');
    await see(page, "Issue #1 created");
  });
  await step("comment", async () => {
    await page.goto(`${url}/issues/1/edit`);
    await fill(page, { "#issue_notes": "Oiled the hinges." });
    await page.select("#issue_status_id", "2");
    await follow(page, '#issue-form input[name="commit"]');
    await see(page, "Successful update");
    await see(page, "Oiled the hinges.");
  });
  await step("list", async () => {
    await page.goto(`${url}/issues?set_filter=1&f[]=subject&op[subject]=~&v[subject][]=gate&group_by=status&sort=updated_on:desc`);
    await see(page, "Gate does not open");
    await page.goto(`${url}/issues?set_filter=1&f[]=subject&op[subject]=!~&v[subject][]=gate`);
    await see(page, "No data to display");
  });
  await step("search", async () => {
    await page.goto(`${url}/search?q=hinges`);
    await see(page, "Gate does not open");
  });
  await step("wiki", async () => {
    await page.goto(`${url}/projects/stars/wiki`);
    await fill(page, { "#content_text": "h1. Wiki\n\nThe *chariot* leaves at six." });
    await follow(page, '#wiki_form input[name="commit"]');
    await see(page, "leaves at six");
  });
  await step("time", async () => {
    await page.goto(`${url}/issues/1/time_entries/new`);
    await fill(page, { "#time_entry_hours": "1.25" });
    await page.select("#time_entry_activity_id", await page.$eval("#time_entry_activity_id option:last-child", (o) => o.value));
    await follow(page, '#new_time_entry input[name="commit"]');
    await page.goto(`${url}/time_entries/report?criteria[]=project&columns=month`);
    await see(page, "Звёзды");
  });
  await step("pages", async () => {
    for (const path of ["projects/stars/activity", "projects/stars/roadmap", "projects/stars/issues/gantt", "projects/stars/issues/calendar", "projects/stars/issues/report", "admin/info", "users", "roles", "trackers", "workflows", "custom_fields", "settings"]) {
      const r = await page.goto(`${url}/${path}`);
      if (r.status() !== 200) throw new Error(`${path}: ${r.status()}`);
    }
  });
  await step("user", async () => {
    await page.goto(`${url}/users/new`);
    await fill(page, { "#user_login": "reader", "#user_firstname": "Nadja", "#user_lastname": "Петрова", "#user_mail": "reader@example.org", "#user_password": "correct horse battery", "#user_password_confirmation": "correct horse battery" });
    await follow(page, 'input[name="commit"]');
    await see(page, "created");
  });
  await step("delete", async () => {
    await page.goto(`${url}/issues/1`);
    await Promise.all([page.waitForNavigation(), page.evaluate(() => document.querySelector('a.icon-del[href="/issues/1"]').click())]);
    if (await page.$('input[name="todo"][value="destroy"]')) {
      await page.click('input[name="todo"][value="destroy"]');
      await follow(page, 'input[name="commit"]');
    }
    await page.goto(`${url}/issues?set_filter=1`);
    await see(page, "No data to display");
  });
});
