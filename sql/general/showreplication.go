package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// SHOW of what other servers have and this one has not: replication between servers.

// replicaStatus are the columns of SHOW REPLICA STATUS.
const replicaStatus = "Replica_IO_State,Source_Host,Source_User,Source_Port,Connect_Retry,Source_Log_File,Read_Source_Log_Pos,Relay_Log_File,Relay_Log_Pos," +
	"Relay_Source_Log_File,Replica_IO_Running,Replica_SQL_Running,Replicate_Do_DB,Replicate_Ignore_DB,Replicate_Do_Table,Replicate_Ignore_Table," +
	"Replicate_Wild_Do_Table,Replicate_Wild_Ignore_Table,Last_Errno,Last_Error,Skip_Counter,Exec_Source_Log_Pos,Relay_Log_Space,Until_Condition,Until_Log_File," +
	"Until_Log_Pos,Source_SSL_Allowed,Source_SSL_CA_File,Source_SSL_CA_Path,Source_SSL_Cert,Source_SSL_Cipher,Source_SSL_Key,Seconds_Behind_Source," +
	"Source_SSL_Verify_Server_Cert,Last_IO_Errno,Last_IO_Error,Last_SQL_Errno,Last_SQL_Error,Replicate_Ignore_Server_Ids,Source_Server_Id,Source_UUID," +
	"Source_Info_File,SQL_Delay,SQL_Remaining_Delay,Replica_SQL_Running_State,Source_Retry_Count,Source_Bind,Last_IO_Error_Timestamp,Last_SQL_Error_Timestamp," +
	"Source_SSL_Crl,Source_SSL_Crlpath,Retrieved_Gtid_Set,Executed_Gtid_Set,Auto_Position,Replicate_Rewrite_DB,Channel_Name,Source_TLS_Version," +
	"Source_public_key_path,Get_Source_public_key,Network_Namespace"

// formerWords are what the columns were called under the statements' former names.
var formerWords = strings.NewReplacer("Get_Source", "Get_master", "Source_UUID", "Master_UUID", "Replica_UUID", "Slave_UUID", "Source_Id", "Master_id",
	"Source_public", "Master_public", "Source", "Master", "Replica_", "Slave_")

// showReplication: SHOW REPLICA STATUS and SHOW REPLICAS, and the same under their former names.
func showReplication(t *lexer.Cursor) *Statement {
	columns, former, now := replicaStatus, "SHOW SLAVE STATUS", "SHOW REPLICA STATUS"
	if t.Word(1) == "REPLICAS" || t.Word(2) == "HOSTS" {
		columns, former, now = "Server_Id,Host,Port,Source_Id,Replica_UUID", "SHOW SLAVE HOSTS", "SHOW REPLICAS"
		if t.Word(1) == "SLAVE" {
			columns = "Server_id" + strings.TrimPrefix(columns, "Server_Id")
		}
	}
	if t.Word(1) != "SLAVE" {
		return listing(texts(strings.Split(columns, ",")...), noRows)
	}
	return outdated(texts(strings.Split(formerWords.Replace(columns), ",")...), former, now, noRows)
}

// outdated is a listing by a statement that MySQL warns of.
func outdated(schema sql.Schema, name, instead string, rows func(*sql.Context, *Session) ([]sql.Row, error)) *Statement {
	return listing(schema, func(c *sql.Context, s *Session) ([]sql.Row, error) {
		c.Session.Warn(&sql.Warning{Level: "Warning", Code: int(mysqlerr.ER_WARN_DEPRECATED_SYNTAX), Message: mysqlerr.New(mysqlerr.ER_WARN_DEPRECATED_SYNTAX, name, instead).Message})
		return rows(c, s)
	})
}
