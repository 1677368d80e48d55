// The editor with Kusto's language service, and the workers it needs; loaded when a page with a
// query is opened. Nothing is evaluated and no worker is made of a blob: the policy stands.
// First the editor's own services: what comes after it starts them, and none is added later.
import 'monaco-editor/esm/vs/editor/edcore.main'
import { getKustoWorker, kustoDefaults } from '@kusto/monaco-kusto'
import KustoWorker from '@kusto/monaco-kusto/release/esm/kusto.worker?worker'
import * as monaco from 'monaco-editor/esm/vs/editor/editor.api'
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker?worker'
import type { LogsTable } from '../../../api/types'
import { schemaOf } from './schema'

export { monaco }

export const LANGUAGE = 'kusto'

Object.assign(window, {
  MonacoEnvironment: {
    getWorker: (_: string, label: string) => (label === LANGUAGE ? new KustoWorker() : new EditorWorker()),
  },
})

kustoDefaults.setLanguageSettings({
  ...kustoDefaults.languageSettings,
  // Queries only; the lake has no control commands.
  includeControlCommands: false,
  // Colours at once; those that know the schema follow when the worker is ready.
  useTokenColorization: true,
  disabledCompletionItems: ['ladderchart', 'pivotchart', 'timeline', 'timepivot', '3Dchart', 'list', 'treemap'],
  formatter: { indentationSize: 2, pipeOperatorStyle: 'Smart' },
})

/** `kusto-light` and `kusto-dark` with colours that are read well on ours. */
export const themes = { light: 'pgkeep-light', dark: 'pgkeep-dark', contrast: 'pgkeep-contrast' } as const

const rules = (colors: Record<string, string>) =>
  Object.entries(colors).map(([token, foreground]) => ({ token, foreground }))

monaco.editor.defineTheme(themes.light, {
  base: 'vs',
  inherit: true,
  rules: rules({
    comment: '006B00', string: 'A31515', number: '191970', keyword: '0000D0', type: '0000D0', tag: '0000D0',
    function: '0000D0', variable: 'A8106B', 'variable.parameter': '7A1FA2', 'variable.predefined': '6A006A',
    'operator.sql': 'A83200', 'operator.scss': '0000D0', annotation: '7B00B0',
  }),
  colors: { 'editor.background': '#ffffff', 'editorLineNumber.foreground': '#5a6b70', focusBorder: '#0b7285' },
})
monaco.editor.defineTheme(themes.dark, {
  base: 'vs-dark',
  inherit: true,
  rules: rules({
    comment: '7CB05F', string: 'D9A08A', number: 'D7BA7D', keyword: '6CB6F5', type: '6CB6F5', tag: '6CB6F5',
    function: 'DCDCAA', variable: '4EC9B0', 'variable.parameter': 'D29AD0', 'variable.predefined': '4EC9B0',
    'operator.sql': '9CDCFE', 'operator.scss': '6CB6F5', annotation: 'B5CEA8',
  }),
  colors: { 'editor.background': '#1f1f1f', 'editorLineNumber.foreground': '#a0a8ab', focusBorder: '#84c6d4' },
})
monaco.editor.defineTheme(themes.contrast, { base: 'hc-black',
  inherit: true,
  rules: rules({ comment: '7CE07C', string: 'FFB08A', number: 'FFD700', keyword: '9CDCFE', type: '9CDCFE', tag: '9CDCFE', 'operator.sql': 'FFFF00' }),
  colors: {},
})

let version = 0

/** Tells the language service which tables there are; what is offered and marked changes with it. */
export const setSchema = async (model: monaco.editor.ITextModel, tables: readonly LogsTable[]) => {
  version += 1
  const accessor = await getKustoWorker()
  const worker = await accessor(model.uri)
  await worker.setSchema(schemaOf(tables, version))
}
