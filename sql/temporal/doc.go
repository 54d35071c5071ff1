// Package temporal owns MySQL 8.0's rules of dates and times: what texts and numbers are which date, datetime or time (str_to_datetime, str_to_time,
// number_to_datetime and number_to_time of sql-common/my_time.cc), day and week numbers, intervals (date_add_interval), and DATE_FORMAT. It is pure: no
// session, no library's types. Callers raise the warnings and make values of their rows of a Value.
package temporal
