import { render } from "preact";
import { Frame } from "./frame/frame";
import { watchPlace } from "./place";
import { watchConnection } from "./session/connection";

watchPlace();
watchConnection();
const root = document.getElementById("page");
if (root) render(<Frame />, root);
