import { FluentProvider } from '@fluentui/react-components'
import '@fontsource-variable/inter/wght.css'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { watchIdle } from './frame/idle'
import { useTheme } from './frame/theme'
import './main.css'
import { beginEarly, client, router } from './router'

const App = () => {
  const { name, theme } = useTheme()
  useEffect(() => {
    document.documentElement.style.colorScheme = name === 'light' ? 'light' : 'dark'
  }, [name])
  return (
    <FluentProvider theme={theme}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </FluentProvider>
  )
}

beginEarly()
watchIdle()
const root = document.getElementById('root')
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>)
