<?php
/* Plugin Name: Visits
 * A plugin with tables of its own, made by WordPress's dbDelta when it is activated and upgraded: each view of the home page is counted. */
function visits_tables($version) {
	global $wpdb;
	require_once ABSPATH.'wp-admin/includes/upgrade.php';
	$extra = $version > 1 ? "agent varchar(100) DEFAULT '' NOT NULL,\n" : '';
	dbDelta("CREATE TABLE {$wpdb->prefix}visits (
id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
path varchar(191) NOT NULL,
{$extra}seen datetime DEFAULT CURRENT_TIMESTAMP NOT NULL,
PRIMARY KEY  (id),
KEY path (path)
) {$wpdb->get_charset_collate()};");
	update_option('visits_version', $version);
}
register_activation_hook(__FILE__, function () { visits_tables(1); });
add_action('template_redirect', function () {
	global $wpdb;
	if (get_option('visits_version') < 2) visits_tables(2);
	$wpdb->insert($wpdb->prefix.'visits', ['path' => $_SERVER['REQUEST_URI'], 'agent' => 'browser']);
});
add_action('wp_footer', function () {
	global $wpdb;
	echo 'Visits of this page: '.(int)$wpdb->get_var($wpdb->prepare("SELECT COUNT(*) FROM {$wpdb->prefix}visits WHERE path = %s", $_SERVER['REQUEST_URI']));
});
