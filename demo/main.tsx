// Puts the app on the page.
import { createRoot } from 'react-dom/client'
import { App } from './components/app.tsx'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element #root to show the app in.')
createRoot(root).render(<App />)
