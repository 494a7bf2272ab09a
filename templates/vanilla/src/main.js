import { setUpCounter } from "./counter.js";
import "./style.css";

setUpCounter(document.querySelector("#counter"));
