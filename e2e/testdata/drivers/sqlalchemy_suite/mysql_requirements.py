"""What MySQL 8.0 can do, in the words of SQLAlchemy's dialect suite (README.dialects.rst of SQLAlchemy: "Dialect Layout").

The suite leaves out by default what not every database can do. All that MySQL 8.0 can is asked for here, and what it cannot is left out: each with
its reason.
"""
from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

CAN = """
    window_functions ctes ctes_with_update_delete tuple_in emulated_lastrowid emulated_lastrowid_even_with_sequences
    dbapi_lastrowid views cross_schema_fk_reflection foreign_key_constraint_name_reflection implicit_default_schema
    comment_reflection foreign_key_constraint_option_reflection_ondelete fk_constraint_option_reflection_ondelete_noaction
    foreign_key_constraint_option_reflection_onupdate
    check_constraint_reflection unicode_ddl datetime_historic date_historic autocommit isolation_level json_type
    precision_numerics_enotation_small precision_numerics_enotation_large precision_numerics_many_significant_digits
    savepoints two_phase_transactions update_from delete_from mod_operator_as_percent_sign percent_schema_names
    order_by_label_with_expression computed_columns computed_columns_stored computed_columns_virtual
    computed_columns_reflect_persisted supports_is_distinct_from regexp_match regexp_replace boolean_col_expressions standalone_binds
    indexes_with_ascdesc
""".split()

CANNOT = {
    "datetime_literals": "the dialect has no way to write a date as a literal",
    "default_schema_name_switch": "the dialect has no way to set the schema",
    "cast_precision_numerics_many_significant_digits": "JSON's numbers are of double precision",
    "has_temp_table": "the dialect asks information_schema, which does not list temporary tables",
    "datetime_microseconds": "DATETIME without a precision has no fraction",
    "time_microseconds": "TIME without a precision has none either",
    "timestamp_microseconds": "nor has TIMESTAMP",
    "datetime_implicit_bound": "a parameter in a select list comes back as text",
    "date_implicit_bound": "the same",
    "time_implicit_bound": "the same",
    "sql_expression_limit_offset": "LIMIT takes no expressions",
    "unbounded_varchar": "VARCHAR needs a length",
    "precision_generic_float_type": "FLOAT is of single precision",
    "temp_table_names": "SHOW TABLES and information_schema do not list temporary tables",
    "reflects_pk_names": "every primary key is called PRIMARY",
    "ctes_on_dml": "WITH .. AS (INSERT ..) does not exist",
    "update_where_target_in_subquery": "error 1093",
}


class Requirements(SuiteRequirements):
    def get_order_by_collation(self, config):
        return "utf8mb4_bin"

    def get_isolation_levels(self, config):
        return {
            "default": "REPEATABLE READ",
            "supported": ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT"],
        }


def _define():
    for name in CAN:
        setattr(Requirements, name, property(lambda self: exclusions.open()))
    for name in CANNOT:
        setattr(Requirements, name, property(lambda self: exclusions.closed()))


_define()
