// Style files are taken in by the builder; to the type checker they are nothing.
declare module '*.css';
