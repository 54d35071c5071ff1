package session

import (
	"slices"

	suite "github.com/dolthub/go-mysql-server/enginetest/queries"
	"github.com/dolthub/go-mysql-server/enginetest/scriptgen/setup"
)

// libraryGroups are the library's lists that speak of SQL and its results. Left out are those of plans (queries.*PlanTests), of features
// that MySQL does not have (AS OF, vectors, external procedures, table functions), and those that the library itself calls broken or skipped.
func libraryGroups() []group {
	type setups = [][]setup.SetupScript
	dml := setups{setup.MydbData, setup.MytableData, setup.Mytable_del_idxData, setup.KeylessData, setup.Keyless_idxData, setup.NiltableData, setup.TypestableData,
		setup.EmptytableData, setup.AutoincrementData, setup.OthertableData, setup.Othertable_del_idxData, setup.FloattableData, setup.Pk_tablesData, setup.TabletestData, setup.PeopleData}
	joins := setups{setup.MydbData, setup.MytableData, setup.Pk_tablesData, setup.OthertableData, setup.NiltableData, setup.XyData, setup.FooData, setup.Comp_index_tablesData, setup.EmptytableData}
	ddl := setups{setup.MydbData, setup.MytableData, setup.OthertableData, setup.TabletestData, setup.Pk_tablesData}
	mytable := setups{setup.MydbData, setup.MytableData}
	return []group{
		{name: "QueryTests", setup: setup.SimpleSetup, queries: suite.QueryTests},
		{name: "FunctionQueryTests", setup: setup.SimpleSetup, queries: suite.FunctionQueryTests},
		{name: "ErrorQueries", setup: setup.SimpleSetup, fails: suite.ErrorQueries},
		{name: "KeylessQueries", setup: setup.KeylessSetup, queries: suite.KeylessQueries},
		{name: "NullRangeTests", setup: setup.NullsSetup, queries: suite.NullRangeTests},
		{name: "JoinQueryTests", setup: joins, queries: suite.JoinQueryTests},
		{name: "JoinScripts", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.JoinScriptTests, suite.LateralJoinScriptTests)},
		{name: "DateParseQueries", setup: setups{setup.MydbData}, queries: suite.DateParseQueries},
		{name: "JSON", setup: setups{setup.MydbData, setup.Pk_tablesData}, queries: suite.JSONTableQueryTests, scripts: slices.Concat(suite.JSONTableScriptTests, suite.JsonScripts)},
		{name: "InfoSchema", setup: setups{setup.MydbData, setup.MytableData, setup.Fk_tblData, setup.FooData}, queries: suite.InfoSchemaQueries},
		{name: "InfoSchemaScripts", setup: setups{setup.MydbData, setup.MytableData, setup.Fk_tblData, setup.FooData}, scripts: suite.InfoSchemaScripts},
		{name: "ViewTests", setup: setup.Mytable, queries: suite.ViewTests},
		{name: "ViewScripts", setup: setups{setup.MydbData}, scripts: suite.ViewScripts},
		{name: "SpatialQueryTests", setup: setup.SpatialSetup, queries: suite.SpatialQueryTests},
		{name: "SpatialScripts", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.SpatialScriptTests, suite.SpatialIndexScriptTests)},
		{name: "Blobs", setup: setups{setup.MydbData, setup.BlobData}, queries: suite.BlobQueries, writes: suite.BlobWriteQueries, fails: suite.BlobErrors},
		{name: "InsertQueries", setup: dml, writes: suite.InsertQueries, scripts: slices.Concat(suite.InsertScripts, suite.InsertErrorScripts, suite.InsertIgnoreScripts, suite.InsertDuplicateKeyKeyless)},
		{name: "ReplaceQueries", setup: dml, writes: suite.ReplaceQueries},
		{name: "UpdateTests", setup: dml, writes: suite.UpdateWriteQueryTests, fails: suite.UpdateErrorTests, scripts: slices.Concat(suite.UpdateScriptTests, suite.UpdateErrorScripts, suite.UpdateIgnoreScripts)},
		{name: "UpdateIgnoreTests", setup: dml, writes: suite.UpdateIgnoreTests},
		{name: "DeleteTests", setup: dml, writes: slices.Concat(suite.DeleteTests, suite.DeleteJoinTests), scripts: suite.DeleteErrorTests},
		{name: "SpatialWrites", setup: setup.SpatialSetup, writes: slices.Concat(suite.SpatialInsertQueries, suite.SpatialUpdateTests, suite.SpatialDeleteTests)},
		{name: "OrdinalDDL", setup: setup.OrdinalSetup, queries: suite.OrdinalDDLQueries, writes: suite.OrdinalDDLWriteQueries},
		{name: "CreateTable", setup: append(slices.Clone(ddl), setup.FooData), writes: suite.CreateTableQueries, scripts: slices.Concat(suite.CreateTableScriptTests, suite.CreateTableAutoIncrementTests, suite.AlterTableAddAutoIncrementScripts)},
		{name: "AlterTable", setup: ddl, scripts: suite.AlterTableScripts},
		{name: "AddColumn", setup: mytable, scripts: suite.AddColumnScripts, chained: true},
		{name: "ModifyColumn", setup: mytable, scripts: suite.ModifyColumnScripts, chained: true},
		{name: "DropColumn", setup: mytable, scripts: suite.DropColumnScripts, chained: true},
		{name: "DropColumnKeyless", setup: mytable, scripts: suite.DropColumnKeylessTablesScripts, chained: true},
		{name: "RenameColumn", setup: mytable, scripts: suite.RenameColumnScripts, chained: true},
		{name: "RenameTable", setup: ddl, scripts: suite.RenameTableScripts, chained: true},
		{name: "PrimaryKeys", setup: ddl, scripts: suite.AddDropPrimaryKeyScripts},
		{name: "Databases", setup: ddl, scripts: slices.Concat(suite.CreateDatabaseScripts, suite.DropDatabaseScripts)},
		{name: "Checks", setup: setup.ChecksSetup, scripts: slices.Concat(suite.CreateCheckConstraintsScripts, suite.ChecksOnUpdateScriptTests, suite.DisallowedCheckConstraintsScripts)},
		{name: "DropChecks", setup: setup.ChecksSetup, scripts: suite.DropCheckConstraintsScripts, chained: true},
		{name: "ChecksOnInsert", setup: setup.ChecksSetup, scripts: suite.ChecksOnInsertScripts, chained: true},
		{name: "ForeignKeys", setup: setups{setup.MydbData, setup.Parent_childData}, scripts: suite.ForeignKeyTests},
		{name: "CreateForeignKeys", setup: mytable, scripts: slices.Concat(suite.CreateForeignKeyTests, suite.DropForeignKeyTests)},
		{name: "ColumnDefaults", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.ColumnDefaultTests, suite.OnUpdateExprScripts)},
		{name: "GeneratedColumns", setup: setups{setup.MydbData}, scripts: suite.GeneratedColumnTests},
		{name: "Indexes", setup: setups{setup.MydbData, setup.MytableData}, scripts: slices.Concat(suite.IndexQueries, suite.IndexPrefixQueries, suite.IndexedExpressionsScriptTests, suite.IgnoreWithDuplicateUniqueKeyKeylessScripts)},
		{name: "ComplexIndexes", setup: setup.ComplexIndexSetup, queries: suite.ComplexIndexQueries},
		{name: "ScriptTests", setup: setups{setup.MydbData}, scripts: suite.ScriptTests},
		{name: "ColumnAlias", setup: setups{setup.MydbData, setup.MytableData}, scripts: slices.Concat(suite.ColumnAliasQueries, suite.OrderByGroupByScriptTests, suite.DerivedTableOuterScopeVisibilityQueries)},
		{name: "Windows", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.WindowFunctionsScriptTests, suite.WindowRowFramesScriptTests, suite.WindowRangeFramesScriptTests, suite.NamedWindowsScriptTests)},
		{name: "Triggers", setup: setups{setup.MydbData, setup.FooData}, scripts: slices.Concat(suite.TriggerTests, suite.TriggerErrorTests, suite.RollbackTriggerTests, suite.TriggerCreateInSubroutineTests)},
		{name: "Procedures", setup: setups{setup.MydbData, setup.MytableData}, scripts: slices.Concat(suite.ProcedureLogicTests, suite.ProcedureCallTests, suite.ProcedureDropTests, suite.ProcedureShowCreate,
			suite.ProcedureCreateInSubroutineTests, suite.ViewCreateInSubroutineTests, suite.CreateTableInSubroutineTests)},
		{name: "Events", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.EventTests, suite.EventCreateInSubroutineTests)},
		{name: "Fulltext", setup: setups{setup.MydbData}, scripts: suite.FulltextTests},
		{name: "Collations", setup: setups{setup.MydbData}, scripts: suite.CharsetCollationEngineTests},
		{name: "Variables", setup: setups{setup.MydbData}, scripts: suite.VariableQueries, fails: suite.VariableErrorTests},
		{name: "Prepared", setup: setups{setup.MydbData}, scripts: suite.PreparedScriptTests},
		{name: "Numbers", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.NumericErrorQueries, suite.RegexScriptTests, suite.TimeQueryTests, suite.AnsiQuotesTests, suite.RowLimitTests)},
		{name: "Logic", setup: setups{setup.MydbData}, scripts: slices.Concat(suite.SQLLogicJoinTests, suite.SQLLogicSubqueryTests)},
		{name: "ShowTableStatus", setup: setups{setup.MydbData, setup.MytableData, setup.OthertableData}, scripts: suite.ShowTableStatusScripts},
	}
}
