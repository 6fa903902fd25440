// The entry of the console's pages: fonts, style, the application. Nothing else runs at load.
import './style/fonts.css';
import './style/tokens.css';
import './style/frame.css';
import './style/widgets.css';
import './style/screens.css';
import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.getElementById('app')!);
