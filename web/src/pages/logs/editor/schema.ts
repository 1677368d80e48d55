// Our tables as Kusto's language service wants them.
import type { EngineSchema } from '@kusto/monaco-kusto'
import type { LogsTable } from '../../../api/types'

/** Kusto's types by the names that its service knows them by. */
const CLR: Record<string, string> = {
  bool: 'System.SByte', int: 'System.Int32', long: 'System.Int64', real: 'System.Double', double: 'System.Double',
  decimal: 'System.Data.SqlTypes.SqlDecimal', datetime: 'System.DateTime', timespan: 'System.TimeSpan',
  guid: 'System.Guid', dynamic: 'System.Object', string: 'System.String',
}

/** The service keeps a database by its version: another one, or it keeps the old tables. */
export const schemaOf = (tables: readonly LogsTable[], version: number): EngineSchema => {
  const database = {
    name: 'logs',
    majorVersion: version,
    minorVersion: 0,
    functions: [],
    entityGroups: [],
    tables: tables.map((table) => ({
      name: table.name,
      entityType: 'Table' as const,
      columns: table.columns.map(({ name, type, meaning }) => ({
        name,
        type: CLR[type] ?? 'System.String',
        ...(meaning ? { docstring: meaning } : {}),
      })),
    })),
  }
  return { clusterType: 'Engine', cluster: { connectionString: 'pgkeep', databases: [database] }, database }
}
