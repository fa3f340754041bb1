// A short word on what was just done, with a way to take it back.
import { useEffect } from 'react'

export interface Notice {
  readonly text: string
  readonly undo: () => void
}

interface ToastProps {
  readonly notice: Notice | undefined
  readonly onClose: () => void
}

const SHOWN_MS = 7000

export const Toast = ({ notice, onClose }: ToastProps) => {
  useEffect(() => {
    if (notice === undefined) return
    const timer = setTimeout(onClose, SHOWN_MS)
    return () => clearTimeout(timer)
  }, [notice, onClose])
  return (
    <div className="toast-place" role="status">
      {notice !== undefined && (
        <div className="toast" data-testid="toast">
          <span>{notice.text}</span>
          <button
            type="button"
            onClick={() => {
              notice.undo()
              onClose()
            }}
          >
            Undo
          </button>
        </div>
      )}
    </div>
  )
}
