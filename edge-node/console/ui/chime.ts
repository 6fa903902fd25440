// Three tones for a flash document, made here: no sound file, nothing to load. A browser that has not been touched yet stays silent.

export function chime(): void {
  try {
    const audio = new AudioContext();
    for (const [i, hertz] of [880, 1_175, 880].entries()) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const from = audio.currentTime + i * 0.28;
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.25, from);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.26);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.27);
    }
    setTimeout(() => void audio.close(), 1_500);
  } catch {
    // No sound device, or not allowed yet: words and title say it too.
  }
}
