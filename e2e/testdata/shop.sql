-- Queries over the shop, one a line.
SELECT * FROM customer ORDER BY id
SELECT sku, title, price, weight, HEX(picture), changed FROM product ORDER BY sku
SELECT id, customer, placed, state, total FROM orders ORDER BY id
SELECT * FROM line ORDER BY order_id, pos
SELECT * FROM audit ORDER BY id
SELECT * FROM revenue ORDER BY customer
SELECT * FROM rich ORDER BY name
SELECT state, COUNT(*), SUM(total), AVG(total) FROM orders GROUP BY state ORDER BY state
SELECT name, grade, grade + 0, flags, flags + 0 FROM customer ORDER BY grade, id
SELECT name FROM customer WHERE FIND_IN_SET('mail', flags) ORDER BY name
SELECT p.sku, SUM(l.n), SUM(l.n * l.price) FROM product p LEFT JOIN line l ON l.sku = p.sku GROUP BY p.sku ORDER BY p.sku
SELECT o.id, c.name, DATE(o.placed), HOUR(o.placed), MICROSECOND(o.placed) FROM orders o JOIN customer c ON c.id = o.customer WHERE o.placed >= '2024-03-01 20:00:00' ORDER BY o.id
SELECT credit, credit * 2, credit / 3, ROUND(credit, 1), TRUNCATE(credit, 0) FROM customer ORDER BY id
SELECT routine_name AS r, routine_type AS t FROM information_schema.routines WHERE routine_schema = 'shop' ORDER BY routine_name
SELECT trigger_name AS t, event_manipulation AS e, event_object_table AS o, action_timing AS a FROM information_schema.triggers WHERE trigger_schema = 'shop' ORDER BY trigger_name
SELECT event_name AS n, status AS s, event_comment AS c FROM information_schema.events WHERE event_schema = 'shop' ORDER BY event_name
SELECT table_name AS t, constraint_name AS c, referenced_table_name AS r, unique_constraint_name AS u FROM information_schema.referential_constraints WHERE constraint_schema = 'shop' ORDER BY table_name, constraint_name
SELECT gross(100.00), gross(0.01), label('gold'), label('silver'), label('x')
SELECT name, label(grade) FROM customer ORDER BY id
