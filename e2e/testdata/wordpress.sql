-- Queries over a WordPress blog, the way WordPress asks them; one a line.
SELECT option_name, option_value FROM wp_options WHERE autoload = 'yes' ORDER BY option_id
SELECT option_value FROM wp_options WHERE option_name = 'option_77' LIMIT 1
SELECT * FROM wp_users WHERE user_login = 'author3' LIMIT 1
SELECT user_id, meta_key, meta_value FROM wp_usermeta WHERE user_id IN (1, 3) ORDER BY umeta_id ASC
SELECT wp_posts.ID FROM wp_posts WHERE 1=1 AND ((wp_posts.post_type = 'post' AND (wp_posts.post_status = 'publish'))) ORDER BY wp_posts.post_date DESC, ID LIMIT 0, 10
SELECT wp_posts.* FROM wp_posts WHERE ID IN (3, 5, 8) ORDER BY ID
SELECT post_id, meta_key, meta_value FROM wp_postmeta WHERE post_id IN (3, 5, 8) ORDER BY meta_id ASC
SELECT t.*, tt.* FROM wp_terms AS t INNER JOIN wp_term_taxonomy AS tt ON t.term_id = tt.term_id WHERE tt.taxonomy IN ('category') ORDER BY t.name ASC, t.term_id
SELECT t.term_id, tr.object_id FROM wp_terms AS t INNER JOIN wp_term_taxonomy AS tt ON t.term_id = tt.term_id INNER JOIN wp_term_relationships AS tr ON tr.term_taxonomy_id = tt.term_taxonomy_id WHERE tt.taxonomy IN ('category', 'post_tag') AND tr.object_id IN (7, 8, 9) ORDER BY t.name ASC, tr.object_id
SELECT post_status, COUNT(*) AS num_posts FROM wp_posts WHERE post_type = 'post' GROUP BY post_status ORDER BY post_status
SELECT comment_approved, COUNT(*) AS total FROM wp_comments GROUP BY comment_approved ORDER BY comment_approved
SELECT wp_comments.comment_ID FROM wp_comments WHERE comment_approved = '1' AND comment_post_ID = 8 ORDER BY wp_comments.comment_date_gmt ASC, wp_comments.comment_ID ASC
SELECT YEAR(post_date) AS `year`, MONTH(post_date) AS `month`, count(ID) as posts FROM wp_posts WHERE post_type = 'post' AND post_status = 'publish' GROUP BY YEAR(post_date), MONTH(post_date) ORDER BY `year` DESC, `month` DESC
SELECT p.ID, p.post_title, u.display_name, COUNT(c.comment_ID) AS n FROM wp_posts p JOIN wp_users u ON u.ID = p.post_author LEFT JOIN wp_comments c ON c.comment_post_ID = p.ID GROUP BY p.ID, p.post_title, u.display_name ORDER BY n DESC, p.ID LIMIT 20
SELECT ID, LENGTH(post_content), CHAR_LENGTH(post_title), MD5(post_content) FROM wp_posts ORDER BY ID
SELECT ID FROM wp_posts WHERE post_title LIKE '%№ 7%' ORDER BY ID
SELECT DISTINCT post_type FROM wp_posts ORDER BY post_type
SELECT meta_value + 0 AS v, COUNT(*) FROM wp_postmeta WHERE meta_key = '_views' GROUP BY v ORDER BY v DESC LIMIT 10
SELECT DATE_FORMAT(comment_date, '%Y/%m/%d %H-%i'), comment_content FROM wp_comments WHERE comment_ID < 20 ORDER BY comment_ID
SELECT ID, post_date, DATE_ADD(post_date, INTERVAL 40 DAY), DATEDIFF(post_modified, post_date), DAYOFWEEK(post_date) FROM wp_posts WHERE ID < 30 ORDER BY ID
SELECT a.post_parent, COUNT(*), MAX(a.menu_order) FROM wp_posts a GROUP BY a.post_parent HAVING COUNT(*) > 5 ORDER BY a.post_parent
