// Draws a chart; loaded when a result has one. The table of the same rows stands below it.
import { BarChart, LineChart, PieChart, ScatterChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, type EChartsType, init, use as load } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { type Chart, KINDS } from './chart'

load([BarChart, LineChart, PieChart, ScatterChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer])

/** By name: within SVG's shorthand a font cannot be inherited. */
const FONT = "'Inter Variable', 'Segoe UI', system-ui, sans-serif"

/** Told apart without colour as well: by lines of different kind, and by marks on areas. */
const DASHES = ['solid', 'dashed', 'dotted'] as const
const COLORS = {
  light: ['#0b7285', '#b4530a', '#5b3fa8', '#a61e4d', '#2b6d1f', '#1c4fa0', '#7a5c00', '#495057'],
  dark: ['#66d2e3', '#ffb066', '#b9a3ff', '#ff8fb0', '#8fd67e', '#8db8ff', '#e6c84f', '#ced4da'],
  contrast: ['#1aebff', '#ffff00', '#3ff23f', '#ff8cff', '#ffffff', '#ffb066', '#8db8ff', '#ff6b6b'],
}

const optionOf = (chart: Chart, theme: keyof typeof COLORS, text: string, line: string): EChartsCoreOption => {
  const common = {
    color: COLORS[theme],
    animation: false,
    // As the query and the table have it.
    useUTC: true,
    textStyle: { fontFamily: FONT, fontSize: 12, color: text },
    aria: { enabled: true, label: { enabled: false }, decal: { show: theme === 'contrast' || chart.kind === 'piechart' } },
    legend: { show: chart.legend, type: 'scroll', top: 0, textStyle: { color: text }, pageTextStyle: { color: text } },
  }
  if (chart.kind === 'piechart') {
    const points = chart.series.flatMap((one) => one.points)
    return {
      ...common,
      tooltip: { trigger: 'item', renderMode: 'richText' },
      series: [{
        type: 'pie', radius: ['35%', '70%'], top: 24, label: { color: text },
        data: points.map(([name, value]) => ({ name: String(name), value })),
      }],
    }
  }
  const isBar = chart.kind === 'barchart' || chart.kind === 'columnchart'
  const lines = { axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line, opacity: 0.5 } } }
  const axisX = {
    type: chart.x.type, name: chart.x.name, nameLocation: 'middle', nameGap: 26, axisLabel: { color: text, hideOverlap: true, fontSize: 12 },
    nameTextStyle: { color: text }, scale: true, ...lines, splitLine: { show: false },
    ...(chart.x.type === 'category' ? { data: chart.x.labels } : {}),
  }
  const axisY = { type: chart.log ? 'log' : 'value', name: chart.y.name, axisLabel: { color: text }, nameTextStyle: { color: text, align: 'left' }, ...lines }
  const lying = chart.kind === 'barchart'
  return {
    ...common,
    // Rich text is drawn, not written as HTML: a name out of a log stays a name.
    tooltip: { trigger: 'axis', renderMode: 'richText', axisPointer: { type: isBar ? 'shadow' : 'line' } },
    grid: { left: 12, right: 24, top: chart.legend ? 52 : 32, bottom: 28, containLabel: true },
    xAxis: lying ? axisY : axisX,
    yAxis: lying ? { ...axisX, inverse: true, nameGap: 12, nameLocation: 'start' } : axisY,
    series: chart.series.map((one, i) => ({
      name: one.name,
      type: isBar ? 'bar' : chart.kind === 'scatterchart' ? 'scatter' : 'line',
      ...(isBar ? { barMaxWidth: 40 } : { lineStyle: { width: 2, type: DASHES[i % 3] }, showSymbol: one.points.length < 40, sampling: 'lttb' }),
      ...(chart.kind === 'areachart' ? { areaStyle: { opacity: 0.25 } } : {}),
      ...(chart.stacked ? { stack: 'all' } : {}),
      data: lying ? one.points.map(([x, y]) => [y, x]) : one.points,
    })),
  }
}

export interface ChartViewProps {
  chart: Chart
  theme: keyof typeof COLORS
  /** Colours of the frame. */
  text: string
  line: string
}

export default function ChartView({ chart, theme, text, line }: ChartViewProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!place.current) return
    const drawn: EChartsType = init(place.current, null, { renderer: 'svg' })
    drawn.setOption(optionOf(chart, theme, text, line))
    const watch = new ResizeObserver(() => drawn.resize())
    watch.observe(place.current)
    return () => {
      watch.disconnect()
      drawn.dispose()
    }
  }, [chart, theme, text, line])
  const said = `${KINDS[chart.kind]}${chart.title ? `: ${chart.title}` : ''}. ${chart.series.length} series. The table below has the same rows.`
  return <div ref={place} style={{ height: 300, minWidth: 0 }} role="img" aria-label={said} />
}
