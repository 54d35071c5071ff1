// phpmyadmin.mjs URL SHOTS: an administrator's walk through phpMyAdmin. A page that shows a MySQL error fails its step.
import { visit, follow, fill, see } from "./browser.mjs";
const [url, shots] = process.argv.slice(2);

await visit(shots, async (page, step) => {
  // open loads one of phpMyAdmin's routes and fails on an error message in it.
  const open = async (route, query = "") => {
    await page.goto(`${url}/index.php?route=${route}&lang=en${query}`, { waitUntil: "load" });
    await healthy();
  };
  const healthy = async () => {
    const why = await page.evaluate(() => [...document.querySelectorAll(".alert-danger")].map((e) => e.innerText).join(" "));
    if (why) throw new Error(why.replace(/\s+/g, " ").slice(0, 400));
  };
  // sql runs statements in the SQL tab, as pasted by a user.
  const sql = async (text, query) => {
    await open("/server/sql".replace("server", query ? "database" : "server"), query ?? "");
    await page.waitForFunction(() => document.querySelector("#sqlqueryform .CodeMirror")?.CodeMirror);
    await page.evaluate((t) => document.querySelector("#sqlqueryform .CodeMirror").CodeMirror.setValue(t), text);
    await page.click("#button_submit_query");
    await page.waitForFunction(() => document.querySelector(".alert-success, .alert-danger, .table_results"), { timeout: 30_000 });
    await healthy();
  };
  await step("login", async () => {
    await page.goto(`${url}/index.php?lang=en`);
    await fill(page, { "#input_username": "pma", "#input_password": "pma-secret" });
    await follow(page, "#input_go");
    await see(page, "Database server");
    await healthy();
  });
  await step("databases", async () => {
    await open("/server/databases");
    await see(page, "information_schema");
  });
  await step("create", () => sql(
    "CREATE TABLE pma.people (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL COMMENT 'as called', born DATE, pay DECIMAL(10,2) DEFAULT 0.00, kind ENUM('a','b') DEFAULT 'a', photo BLOB, KEY by_name (name));" +
    "CREATE TABLE pma.jobs (id INT PRIMARY KEY, person INT UNSIGNED, title TEXT, FOREIGN KEY (person) REFERENCES pma.people (id) ON DELETE CASCADE);" +
    "INSERT INTO pma.people (name, born, pay) VALUES ('Zoë', '1990-05-06', 10.5), ('Олег', NULL, 20), ('Al', '2001-01-01', 0);" +
    "INSERT INTO pma.jobs VALUES (1, 1, 'weaver'), (2, 2, 'smith');" +
    "CREATE VIEW pma.named AS SELECT id, name FROM pma.people;"));
  await step("structure", async () => {
    await open("/database/structure", "&db=pma");
    await see(page, "people");
    await see(page, "named");
    await open("/table/structure", "&db=pma&table=people");
    await see(page, "by_name");
  });
  await step("browse", async () => {
    await open("/sql", "&db=pma&table=people&pos=0");
    await see(page, "Олег");
    await see(page, "Showing rows 0 - 2 (3 total");
  });
  await step("sort", async () => {
    await open("/sql", "&db=pma&table=people&pos=0&sql_query=" + encodeURIComponent("SELECT * FROM `people` ORDER BY `people`.`pay` DESC"));
    await see(page, "20.00");
  });
  await step("insert", async () => {
    await open("/table/change", "&db=pma&table=people");
    await page.evaluate(() => {
      const set = (column, value) => {
        const row = [...document.querySelectorAll("tr")].find((r) => r.querySelector(`input[name^="fields_name"][value="${column}"]`));
        row.querySelector(".textfield").value = value;
      };
      set("name", "Inserted by form");
      set("pay", "99.5");
    });
    await page.evaluate(() => document.querySelector("#insertForm").submit());
    await page.waitForNavigation().catch(() => {});
    await open("/sql", "&db=pma&table=people&pos=0");
    await see(page, "Inserted by form");
  });
  await step("search", async () => {
    await open("/database/search", "&db=pma");
    await fill(page, { 'input[name="criteriaSearchString"]': "weaver" });
    await page.evaluate(() => [...document.querySelectorAll('select[name="criteriaTables[]"] option')].forEach((o) => { o.selected = true; }));
    await page.click("#buttonGo");
    await see(page, "1 match");
  });
  await step("indexes", () => sql("ALTER TABLE `people` ADD UNIQUE `born_pay` (`born`, `pay`); ALTER TABLE `people` CHANGE `pay` `salary` DECIMAL(12,3) NULL DEFAULT '0.000' AFTER `name`; ALTER TABLE `people` ADD `note` TEXT NULL AFTER `id`;", "&db=pma"));
  await step("routines", async () => {
    await sql("CREATE PROCEDURE raise(IN p INT) MODIFIES SQL DATA UPDATE people SET salary = salary + p; CREATE TRIGGER t BEFORE INSERT ON people FOR EACH ROW SET NEW.note = 'new'; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM jobs WHERE id = 0;", "&db=pma");
    await open("/database/routines", "&db=pma");
    await see(page, "raise");
    await open("/database/triggers", "&db=pma");
    await see(page, "BEFORE");
    await open("/database/events", "&db=pma");
    await see(page, "RECURRING");
  });
  await step("relations", async () => {
    await open("/table/relation", "&db=pma&table=jobs");
    await page.waitForFunction(() => [...document.querySelectorAll("select")].some((s) => s.value === "people"));
    await open("/database/designer", "&db=pma");
  });
  await step("operations", async () => {
    await open("/table/operations", "&db=pma&table=people");
    await open("/table/maintenance/analyze", "&db=pma&table=people").catch(() => {});
    await sql("ANALYZE TABLE `people`; CHECK TABLE `people`; OPTIMIZE TABLE `people`; CHECKSUM TABLE `people`;", "&db=pma");
  });
  await step("explain", async () => {
    await sql("EXPLAIN SELECT * FROM people JOIN jobs ON jobs.person = people.id", "&db=pma");
    await see(page, "select_type");
  });
  await step("export", async () => {
    await open("/database/export", "&db=pma");
    await page.evaluate(() => { document.querySelector("#radio_custom_export")?.click(); document.querySelector("#radio_view_as_text")?.click(); });
    await follow(page, "#buttonGo");
    const text = await page.evaluate(() => document.querySelector("#textSQLDUMP").value);
    for (const want of ["CREATE TABLE `people`", "Олег", "CREATE TRIGGER", "ADD CONSTRAINT"]) {
      if (!text.includes(want)) throw new Error(`the export lacks ${want}: ${text.slice(0, 300)}`);
    }
  });
  await step("accounts", async () => {
    await open("/server/privileges");
    await see(page, "pma");
    await sql("CREATE USER 'web'@'%' IDENTIFIED BY 'web-Secret1'; GRANT SELECT, INSERT ON pma.people TO 'web'@'%';");
    await open("/server/privileges", "&username=web&hostname=%25");
    await see(page, "Edit privileges");
  });
  await step("status", async () => {
    await open("/server/status");
    await see(page, "Network traffic");
    await open("/server/status/processes");
    await see(page, "pma");
    await open("/server/status/queries");
    await open("/server/status/variables");
    await open("/server/status/advisor");
    await open("/server/status/monitor");
  });
  await step("server", async () => {
    await open("/server/variables");
    await see(page, "sql mode");
    await open("/server/collations");
    await see(page, "utf8mb4_0900_ai_ci");
    await open("/server/engines");
    await see(page, "InnoDB");
    await open("/server/engines/InnoDB/Status".replace("/Status", ""), "");
    await open("/server/plugins");
    await open("/server/binlog").catch((e) => { if (!/binlog|not using binary logging/i.test(e.message)) throw e; });
  });
  await step("storage", async () => { // phpMyAdmin's own tables
    await open("/check-relations", "&create_pmadb=1").catch(() => {});
    await open("/check-relations");
  });
  await step("drop", async () => {
    await sql("DROP DATABASE pma; DROP USER 'web'@'%';");
    await open("/server/databases");
    const there = await page.evaluate(() => [...document.querySelectorAll("#tabledatabases a")].some((a) => a.innerText.trim() === "pma"));
    if (there) throw new Error("the database is still listed");
  });
});
