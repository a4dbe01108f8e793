export { Section } from "../shared/Section.tsx";
