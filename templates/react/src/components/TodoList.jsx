import { useState } from "react";

const FIRST_ITEMS = [
  { id: 1, text: "Open the preview", done: true },
  { id: 2, text: "Change some code", done: false },
];

export default function TodoList() {
  const [items, setItems] = useState(FIRST_ITEMS);
  const [text, setText] = useState("");

  function add(event) {
    event.preventDefault();
    const trimmed = text.trim();
    if (trimmed === "") return;
    setItems((current) => [...current, { id: Date.now(), text: trimmed, done: false }]);
    setText("");
  }

  function toggle(id) {
    setItems((current) => current.map((item) => (item.id === id ? { ...item, done: !item.done } : item)));
  }

  return (
    <>
      <ul className="todos">
        {items.map((item) => (
          <li key={item.id}>
            <label>
              <input type="checkbox" checked={item.done} onChange={() => toggle(item.id)} />
              <span className={item.done ? "done" : ""}>{item.text}</span>
            </label>
          </li>
        ))}
      </ul>
      <form className="add" onSubmit={add}>
        <input
          aria-label="New item"
          placeholder="What is next?"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit">Add</button>
      </form>
    </>
  );
}
