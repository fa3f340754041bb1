// The foot of the page: how to play with the data by hand.

export const Footer = () => (
  <footer className="footer">
    <p>
      Open the console and try <code>merrow.tasks.all()</code> or{' '}
      <code>
        merrow.tasks.insert({'{'} title: 'Hello' {'}'})
      </code>
      .
    </p>
    <p>Your tasks rest in this browser and merge with everyone else’s, offline or on.</p>
  </footer>
)
