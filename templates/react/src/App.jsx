import Counter from "./components/Counter.jsx";
import Hint from "./components/Hint.jsx";
import TodoList from "./components/TodoList.jsx";
import "./App.css";

export default function App() {
  return (
    <main className="page">
      <h1>Welcome to Velocity Preview!</h1>
      <p className="lead">This is a real dev server. Change a file and watch this page follow.</p>
      <section className="card">
        <h2>Counter</h2>
        <Counter />
      </section>
      <section className="card">
        <h2>To do</h2>
        <TodoList />
      </section>
      <Hint file="src/App.jsx" />
    </main>
  );
}
