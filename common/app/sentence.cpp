#include "common/app/sentence.h"

#include "common/core/text.h"

namespace holdfast::app {

namespace {

std::string from_server(const Error& error) {
    const auto verdict = error.message.find(" is invalid: ");
    // Where an object was named before the server's words, "The" would be before that.
    if (error.reason == "Invalid" && verdict != std::string::npos && error.message.find(": ") >= verdict)
        return "The " + error.message;
    return "Error from server" + (error.reason.empty() ? std::string() : " (" + error.reason + ")") + ": " +
           error.message;
}

std::string sentence(const Error& error) {
    if (error.http_status == 401) return "error: You must be logged in to the server (" + error.message + ")";
    if (error.http_status != 0) return from_server(error);
    // These sentences of kubectl's stand alone; http gives them whole.
    for (const char* alone : {"The connection to the server", "Unable to connect to the server"}) {
        const auto begin = error.message.find(alone);
        if (begin != std::string::npos) return error.message.substr(begin);
    }
    const bool tried = error.reason != "Kubeconfig";  // else no connection was tried: kubeconfig is what is wrong
    if (error.kind == ErrorKind::kConnect && tried) return "Unable to connect to the server: " + error.message;
    return "error: " + error.message;
}

}  // namespace

std::string error_text(const Error& error) {
    std::string text = escape_terminal(sentence(error)) + "\n";
    if (!error.hint.empty()) text += escape_terminal(error.hint) + "\n";
    return text;
}

}  // namespace holdfast::app
