// What stands on the page while there is no database: loading, or why it did not open.

const SKELETON_ROWS = ['a', 'b', 'c', 'd', 'e']

export const Opening = () => (
  <main className="page" aria-busy="true" data-testid="opening">
    <p className="visually-hidden" role="status">
      Opening your tasks
    </p>
    <div className="skeleton skeleton-bar" />
    <div className="card">
      {SKELETON_ROWS.map((key) => (
        <div key={key} className="skeleton-row">
          <span className="skeleton skeleton-check" />
          <span className="skeleton skeleton-text" />
          <span className="skeleton skeleton-pill" />
        </div>
      ))}
    </div>
  </main>
)

export const Failed = ({ error }: { readonly error: unknown }) => (
  <main className="page">
    <div className="card blank" role="alert" data-testid="failed">
      <h1>The tasks could not be opened</h1>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  </main>
)
