// Light, dark, high contrast; follows the system until a person chooses, then keeps the choice.
import {
  type BrandVariants, type Theme,
  createDarkTheme, createLightTheme, teamsHighContrastTheme,
} from '@fluentui/react-components'
import { useSyncExternalStore } from 'react'
import { store } from './store'

const brand: BrandVariants = {
  10: '#011013', 20: '#042127', 30: '#053640', 40: '#064451', 50: '#075362', 60: '#086273',
  70: '#0a6a7c', 80: '#0b7285', 90: '#2a879a', 100: '#4a9db0', 110: '#66b2c3', 120: '#84c6d4',
  130: '#a2d8e3', 140: '#bfe7ee', 150: '#d9f2f6', 160: '#eff9fb',
}

const font = {
  fontFamilyBase: "'Inter Variable', 'Segoe UI', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
}

const light: Theme = { ...createLightTheme(brand), ...font }
const darkBase = createDarkTheme(brand)
const dark: Theme = {
  ...darkBase,
  ...font,
  colorBrandForeground1: brand[120],
  colorBrandForeground2: brand[130],
  colorBrandForegroundLink: brand[120],
  colorBrandForegroundLinkHover: brand[130],
  colorBrandForegroundLinkPressed: brand[110],
  colorCompoundBrandForeground1: brand[120],
}
const contrast: Theme = { ...teamsHighContrastTheme, ...font }

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const
export type ThemeChoice = (typeof THEMES)[number]
export const themeNames: Record<ThemeChoice, string> = {
  system: 'Follow the system', light: 'Light', dark: 'Dark', contrast: 'High contrast',
}

const KEPT = 'pgkeep.theme'
const kept = (): ThemeChoice => {
  try {
    return THEMES.find((one) => one === localStorage.getItem(KEPT)) ?? 'system'
  } catch {
    return 'system'
  }
}

export const themeChoice = store<ThemeChoice>(kept())

export const chooseTheme = (choice: ThemeChoice) => {
  themeChoice.set(choice)
  try {
    localStorage.setItem(KEPT, choice)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

const queries = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)']
const system = (): Exclude<ThemeChoice, 'system'> => {
  const [isDark, more, forced] = queries.map((query) => matchMedia(query).matches)
  if (more || forced) return 'contrast'
  return isDark ? 'dark' : 'light'
}
const watch = (listener: () => void) => {
  const lists = queries.map((query) => matchMedia(query))
  for (const list of lists) list.addEventListener('change', listener)
  return () => {
    for (const list of lists) list.removeEventListener('change', listener)
  }
}

/** The theme to render with, and its name. */
export const useTheme = () => {
  const choice = themeChoice.use()
  const now = useSyncExternalStore(watch, system)
  const name = choice === 'system' ? now : choice
  return { name, theme: name === 'dark' ? dark : name === 'contrast' ? contrast : light }
}
