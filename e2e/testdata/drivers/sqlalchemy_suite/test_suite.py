from sqlalchemy import text
from sqlalchemy.testing import config
from sqlalchemy.testing.suite import *  # noqa: F401,F403
from sqlalchemy.testing.suite import CTETest as _CTETest


class CTETest(_CTETest):
    """The suite makes its tables MyISAM, without foreign keys; here as on Aurora they are InnoDB, where a row cannot go before those that refer to it."""

    def _teardown_each_tables(self):
        with config.db.begin() as connection:
            connection.execute(text("UPDATE some_table SET parent_id = NULL"))
        super()._teardown_each_tables()
