// For waits that know no Signals: a question on the terminal.
#pragma once

namespace holdfast {

// How many signals came to the ProcessSignals that lives.
int signals_received();

}  // namespace holdfast
