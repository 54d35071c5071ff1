-- Queries over the world database, one a line; every order is total.
SELECT COUNT(*) FROM City
SELECT COUNT(*), SUM(Population), MIN(Population), MAX(Population) FROM Country
SELECT * FROM Country WHERE Code = 'NLD'
SELECT * FROM City WHERE ID = 5
SELECT Name FROM City WHERE ID IN (1, 5, 3793, 99999) ORDER BY ID
SELECT Name, Population FROM City WHERE Country = 'CHE' ORDER BY Population DESC, ID
SELECT Name, Population FROM City ORDER BY Population DESC, ID LIMIT 10
SELECT Name, Population FROM City ORDER BY Population, ID LIMIT 10 OFFSET 20
SELECT ID, Name FROM City WHERE Name LIKE 'San%' ORDER BY Name, ID
SELECT ID, Name FROM City WHERE Name LIKE '%burg' ORDER BY ID
SELECT ID, Name FROM City WHERE Name LIKE '_a_i_' ORDER BY ID
SELECT Name FROM Country WHERE Capital IS NULL ORDER BY Name
SELECT Country, COUNT(*) AS n FROM City GROUP BY Country ORDER BY n DESC, Country LIMIT 20
SELECT Country, COUNT(*) AS n, SUM(Population) FROM City GROUP BY Country HAVING n BETWEEN 40 AND 60 ORDER BY Country
SELECT Country, AVG(Population) FROM City GROUP BY Country HAVING COUNT(*) > 100 ORDER BY Country
SELECT Co.Name, Ci.Name FROM Country Co JOIN City Ci ON Ci.ID = Co.Capital ORDER BY Co.Name LIMIT 15
SELECT Co.Name, Ci.Name FROM Country Co LEFT JOIN City Ci ON Ci.ID = Co.Capital WHERE Ci.ID IS NULL ORDER BY Co.Code
SELECT Co.Name, L.Language, L.Percentage FROM Country Co JOIN CountryLanguage L ON L.Country = Co.Code WHERE L.Percentage > 99 ORDER BY Co.Name, L.Language
SELECT L.Language, COUNT(*) AS n FROM CountryLanguage L GROUP BY L.Language HAVING n > 10 ORDER BY n DESC, L.Language
SELECT L.Language, SUM(Co.Population * L.Percentage / 100) > 1e8 AS big FROM CountryLanguage L JOIN Country Co ON Co.Code = L.Country GROUP BY L.Language ORDER BY L.Language LIMIT 40
SELECT Name FROM Country WHERE Code IN (SELECT Country FROM CountryLanguage WHERE Language = 'German') ORDER BY Name
SELECT Name FROM Country Co WHERE EXISTS (SELECT 1 FROM City Ci WHERE Ci.Country = Co.Code AND Ci.Population > 8000000) ORDER BY Name
SELECT Name FROM Country Co WHERE NOT EXISTS (SELECT 1 FROM City Ci WHERE Ci.Country = Co.Code) ORDER BY Name
SELECT Name, (SELECT COUNT(*) FROM City Ci WHERE Ci.Country = Co.Code) AS n FROM Country Co ORDER BY n DESC, Name LIMIT 10
SELECT Name, Population FROM Country WHERE Population > (SELECT AVG(Population) * 5 FROM Country) ORDER BY Population DESC
SELECT DISTINCT Language FROM CountryLanguage WHERE Language LIKE 'A%' ORDER BY Language
SELECT COUNT(DISTINCT Country), COUNT(DISTINCT Language) FROM CountryLanguage
SELECT Name FROM City WHERE Population BETWEEN 499000 AND 501000 ORDER BY Population, ID
SELECT Code, SurfaceArea FROM Country ORDER BY SurfaceArea DESC, Code LIMIT 12
SELECT UPPER(Name), LOWER(Name), CHAR_LENGTH(Name), LEFT(Name, 3), RIGHT(Name, 3), REVERSE(Name) FROM Country WHERE Code < 'AI' ORDER BY Code
SELECT CONCAT(Code, ': ', Name), REPLACE(Name, 'a', 'o'), SUBSTRING(Name, 2, 4), LOCATE('an', Name), LPAD(Code, 6, '*') FROM Country ORDER BY Code LIMIT 10
SELECT CASE WHEN Population = 0 THEN 'empty' WHEN Population < 1000000 THEN 'small' ELSE 'large' END AS size, COUNT(*) FROM Country GROUP BY size ORDER BY size
SELECT IF(Population > 50000000, 'big', 'small') AS s, COUNT(*), MIN(Name), MAX(Name) FROM Country GROUP BY s ORDER BY s
SELECT ROUND(Population / 1000), FLOOR(Population / 1000), CEIL(Population / 1000), Population DIV 1000, Population % 1000 FROM City ORDER BY ID LIMIT 10
SELECT COALESCE(Capital, 0), IFNULL(Capital, -1), NULLIF(Capital, 1) FROM Country ORDER BY Code LIMIT 10
SELECT Country, GROUP_CONCAT(Language ORDER BY Language SEPARATOR '/') FROM CountryLanguage GROUP BY Country ORDER BY Country LIMIT 20
SELECT Country FROM City WHERE Population > 5000000 UNION SELECT Country FROM CountryLanguage WHERE Percentage = 100.0 ORDER BY Country
SELECT Country FROM City WHERE Population > 9000000 UNION ALL SELECT Code FROM Country WHERE Population > 200000000 ORDER BY Country
SELECT a.Name, b.Name FROM City a JOIN City b ON a.Name = b.Name AND a.ID < b.ID ORDER BY a.Name, a.ID, b.ID
SELECT Name FROM City WHERE Country = 'USA' AND Population > 500000 OR Country = 'CAN' AND Population > 800000 ORDER BY Name
SELECT Name FROM Country WHERE Name >= 'T' AND Name < 'U' ORDER BY Name DESC
SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM City GROUP BY Country) AS d
WITH big AS (SELECT Country, SUM(Population) AS p FROM City GROUP BY Country) SELECT Co.Name, big.p FROM big JOIN Country Co ON Co.Code = big.Country WHERE big.p > 20000000 ORDER BY big.p DESC
SELECT Name, Population, RANK() OVER (ORDER BY Population DESC) AS r FROM Country ORDER BY r, Name LIMIT 15
SELECT Country, Name, ROW_NUMBER() OVER (PARTITION BY Country ORDER BY Population DESC, ID) AS r FROM City WHERE Country IN ('DEU', 'FRA', 'ITA') ORDER BY Country, r LIMIT 30
SELECT Percentage, COUNT(*) FROM CountryLanguage GROUP BY Percentage HAVING COUNT(*) > 20 ORDER BY Percentage
SELECT Language FROM CountryLanguage WHERE Country = 'CHE' AND Percentage >= 4.2 ORDER BY Percentage DESC, Language
SELECT Name FROM City WHERE Name REGEXP '^[XYZ].*a$' ORDER BY Name, ID
SELECT HEX(Name) FROM City WHERE ID BETWEEN 200 AND 210 ORDER BY ID
