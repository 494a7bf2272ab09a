import Counter from "./counter";

export default function Home() {
  return (
    <main className="page">
      <h1>Welcome to Velocity Preview!</h1>
      <p className="lead">This is a real dev server. Change a file and watch this page follow.</p>
      <section className="card">
        <h2>Counter</h2>
        <Counter />
      </section>
      <p className="lead">
        Edit <code>app/page.jsx</code> and save.
      </p>
    </main>
  );
}
