-- A shop with views, triggers, procedures, functions and events, owned by definers that exist nowhere else.
CREATE TABLE customer (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120) DEFAULT NULL, grade ENUM('none','silver','gold') NOT NULL DEFAULT 'none', flags SET('mail','phone','post') DEFAULT NULL, joined DATE NOT NULL, credit DECIMAL(12,2) NOT NULL DEFAULT 0.00, UNIQUE KEY email (email)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE product (sku CHAR(8) NOT NULL PRIMARY KEY, title VARCHAR(200) NOT NULL, price DECIMAL(10,2) NOT NULL, weight DOUBLE DEFAULT NULL, stock INT NOT NULL DEFAULT 0, picture BLOB DEFAULT NULL, changed TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00', CONSTRAINT positive CHECK (price >= 0)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED NOT NULL, placed DATETIME(3) NOT NULL, state VARCHAR(12) NOT NULL DEFAULT 'open', total DECIMAL(14,2) NOT NULL DEFAULT 0, KEY by_customer (customer, placed), CONSTRAINT order_customer FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE line (order_id BIGINT UNSIGNED NOT NULL, pos SMALLINT NOT NULL, sku CHAR(8) NOT NULL, n INT NOT NULL, price DECIMAL(10,2) NOT NULL, PRIMARY KEY (order_id, pos), KEY sku (sku), CONSTRAINT line_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE, CONSTRAINT line_product FOREIGN KEY (sku) REFERENCES product (sku)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE audit (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40) NOT NULL, ref BIGINT NOT NULL, detail TEXT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO customer (name, email, grade, flags, joined, credit) VALUES ('Ada', 'ada@example.org', 'gold', 'mail,phone', '2020-02-29', 120.50), ('Börje', 'borje@example.org', 'silver', 'post', '2021-12-31', 0), ('Chloé', NULL, 'none', NULL, '2022-06-01', -3.25), ('Dmitri', 'd@example.org', 'none', '', '2023-01-15', 9999999.99), ('Eve', 'eve@example.org', 'gold', 'mail', '2024-05-05', 1.00);
INSERT INTO product (sku, title, price, weight, stock, picture) VALUES ('A-1', 'Anvil', 99.90, 50.5, 3, x'00ff10'), ('B-2', 'Balloon \'red\'', 0.35, 0.002, 5000, NULL), ('C-3', 'Compass; with "needle"', 12.00, NULL, 40, x''), ('D-4', 'Dynamite\\stick', 7.77, 0.3, 0, x'deadbeef');
CREATE DEFINER=`clerk`@`%` FUNCTION gross(net DECIMAL(14,2)) RETURNS DECIMAL(14,2) DETERMINISTIC RETURN ROUND(net * 1.19, 2);
DELIMITER ;;
CREATE DEFINER=`clerk`@`%` FUNCTION label(g VARCHAR(10)) RETURNS VARCHAR(20) DETERMINISTIC
BEGIN
  DECLARE r VARCHAR(20) DEFAULT 'plain';
  IF g = 'gold' THEN SET r = 'preferred'; ELSEIF g = 'silver' THEN SET r = 'regular'; END IF;
  RETURN r;
END;;
CREATE DEFINER=`clerk`@`%` PROCEDURE place_order(IN who INT UNSIGNED, IN at DATETIME(3), OUT id BIGINT UNSIGNED)
BEGIN
  INSERT INTO orders (customer, placed) VALUES (who, at);
  SET id = LAST_INSERT_ID();
END;;
CREATE DEFINER=`clerk`@`%` PROCEDURE fill_orders(IN n INT)
BEGIN
  DECLARE i INT DEFAULT 0;
  DECLARE o BIGINT UNSIGNED;
  WHILE i < n DO
    CALL place_order(i % 5 + 1, DATE_ADD('2024-03-01 08:00:00.125', INTERVAL i HOUR), o);
    INSERT INTO line VALUES (o, 1, 'A-1', i % 3 + 1, 99.90), (o, 2, 'B-2', i + 1, 0.35);
    IF i % 2 = 0 THEN INSERT INTO line VALUES (o, 3, 'C-3', 1, 12.00); END IF;
    SET i = i + 1;
  END WHILE;
END;;
CREATE DEFINER=`clerk`@`%` TRIGGER line_added AFTER INSERT ON line FOR EACH ROW
BEGIN
  UPDATE orders SET total = total + NEW.n * NEW.price WHERE id = NEW.order_id;
  UPDATE product SET stock = stock - NEW.n WHERE sku = NEW.sku;
END;;
CREATE DEFINER=`clerk`@`%` TRIGGER order_state BEFORE UPDATE ON orders FOR EACH ROW
BEGIN
  IF NEW.state <> OLD.state THEN INSERT INTO audit (what, ref, detail) VALUES ('state', OLD.id, CONCAT(OLD.state, '>', NEW.state)); END IF;
END;;
CREATE DEFINER=`clerk`@`%` EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'nightly' DO DELETE FROM audit WHERE what = 'old';;
DELIMITER ;
CREATE DEFINER=`clerk`@`%` SQL SECURITY INVOKER VIEW revenue AS SELECT c.id AS customer, c.name AS name, COUNT(o.id) AS orders, SUM(o.total) AS total FROM customer c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.id, c.name;
CREATE DEFINER=`clerk`@`%` SQL SECURITY INVOKER VIEW rich AS SELECT name, total FROM revenue WHERE total > 100;
CREATE USER clerk@'%' IDENTIFIED BY 'clerk';
GRANT ALL ON shop.* TO clerk@'%';
CALL fill_orders(25);
UPDATE orders SET state = 'paid' WHERE id % 4 = 0;
