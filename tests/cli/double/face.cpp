#include "tests/cli/double/face.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <mutex>
#include <thread>

namespace holdfast::double_ {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

void set_query(Call& call) {
    const auto mark = call.target.find('?');
    call.path = decoded(call.target.substr(0, mark));
    if (mark == std::string::npos) return;
    std::string_view rest = std::string_view(call.target).substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        call.query[decoded(pair.substr(0, equals))] = equals < pair.size() ? decoded(pair.substr(equals + 1)) : "";
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

Call make_call(const beast_http::request<beast_http::string_body>& request) {
    Call call;
    call.method = std::string(request.method_string());
    call.target = std::string(request.target());
    call.body = request.body();
    for (const auto& field : request) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        call.headers[name] = std::string(field.value());
    }
    set_query(call);
    return call;
}

class Log {
  public:
    explicit Log(const std::string& path) : out_(path, std::ios::app) {}
    void write(const Call& call, int status, bool unknown) {
        const std::lock_guard lock(mutex_);
        Json headers = Json::object();
        for (const auto& [name, value] : call.headers) headers[name] = value;
        out_ << Json{{"method", call.method}, {"target", call.target}, {"headers", headers},
                     {"body", call.body},     {"status", status},      {"unknown", unknown}}
                    .dump(-1, ' ', false, Json::error_handler_t::replace)
             << std::endl;
    }

  private:
    std::mutex mutex_;
    std::ofstream out_;
};

// One connection. Socket is a TLS stream or a plain socket.
template <typename Socket>
class Session {
  public:
    Session(Socket& socket, const std::vector<Engine*>& engines, Log& log)
        : socket_(socket), engines_(engines), log_(log) {}

    // Until the peer goes or a reply says so. True: say goodbye.
    bool run() {
        beast::flat_buffer buffer;
        while (true) {
            beast_http::request_parser<beast_http::string_body> parser;
            parser.body_limit(std::uint64_t{64} << 20);
            error_code failed;
            beast_http::read(socket_, buffer, parser, failed);
            if (failed) return true;
            const Call call = make_call(parser.get());
            const Reply reply = ask(call);
            std::this_thread::sleep_for(reply.delay);
            if (reply.drop) return false;
            if (!write(reply)) return false;
            if (reply.until_close || reply.content_length || parser.get().need_eof()) return true;
        }
    }

  private:
    Reply ask(const Call& call) {
        for (Engine* engine : engines_) {
            if (auto reply = engine->answer(call)) {
                log_.write(call, reply->status, false);
                return std::move(*reply);
            }
        }
        log_.write(call, 501, true);
        return status_reply(501, "NotImplemented", "the test double does not know " + call.method + " " + call.target);
    }

    bool put(std::string_view text) {
        error_code failed;
        asio::write(socket_, asio::buffer(text.data(), text.size()), failed);
        return !failed;
    }

    // As every HTTP server says it.
    static std::string date() {
        const std::time_t now = std::time(nullptr);
        std::tm parts{};
        gmtime_r(&now, &parts);
        char text[32];
        return std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }

    static std::string head(const Reply& reply, bool chunked) {
        std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " -\r\n";
        bool dated = false;
        for (const auto& [name, value] : reply.headers) {
            out += name + ": " + value + "\r\n";
            dated = dated || name == "Date";
        }
        if (!dated) out += "Date: " + date() + "\r\n";
        if (chunked)
            out += "Transfer-Encoding: chunked\r\n";
        else if (!reply.until_close)
            out += "Content-Length: " +
                   std::to_string(reply.content_length.value_or(static_cast<long long>(reply.body.size()))) + "\r\n";
        return out + "\r\n";
    }

    static std::string chunk(std::string_view text) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", text.size());
        return size + std::string(text) + "\r\n";
    }

    // False: the connection is to break off.
    bool write(const Reply& reply) {
        const bool chunked = (reply.chunked || reply.source) && !reply.until_close && !reply.content_length;
        if (!put(head(reply, chunked))) return false;
        std::size_t left = reply.cut_after.value_or(static_cast<std::size_t>(-1));
        bool whole = true;
        const auto send = [&](std::string_view part) {
            const std::string_view shown = part.substr(0, left);
            whole = shown.size() == part.size();
            left -= shown.size();
            return (shown.empty() || put(chunked ? chunk(shown) : std::string(shown))) && whole;
        };
        if (reply.source) {
            while (const auto part = reply.source()) {
                if (!send(*part)) return false;
            }
        } else if (!send(reply.body)) {
            return false;
        }
        if (reply.cut_after) return false;
        return !chunked || put("0\r\n\r\n");
    }

    Socket& socket_;
    const std::vector<Engine*>& engines_;
    Log& log_;
};

void serve_plain(Tcp::socket socket, const std::vector<Engine*>& engines, Log& log) {
    Session<Tcp::socket>(socket, engines, log).run();
    error_code ignored;
    socket.close(ignored);
}

void serve_tls(Tcp::socket socket, asio::ssl::context& context, const std::vector<Engine*>& engines, Log& log) {
    beast::ssl_stream<Tcp::socket> stream(std::move(socket), context);
    error_code ignored, failed;
    stream.handshake(asio::ssl::stream_base::server, failed);
    if (failed) return;
    const bool polite = Session<beast::ssl_stream<Tcp::socket>>(stream, engines, log).run();
    if (polite) stream.shutdown(ignored);
    stream.next_layer().close(ignored);
}

}  // namespace

int serve(const FaceOptions& options, const std::vector<Engine*>& engines) {
    asio::io_context io;
    asio::ssl::context context(asio::ssl::context::tls_server);
    const bool tls = !options.certificate.empty();
    if (tls) {
        context.use_certificate_chain_file(options.certificate);
        context.use_private_key_file(options.key, asio::ssl::context::pem);
    }
    Log log(options.log);
    Tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    options.listening(acceptor.local_endpoint().port());
    while (true) {
        error_code failed;
        Tcp::socket socket = acceptor.accept(io, failed);
        if (failed) continue;
        socket.set_option(Tcp::no_delay(true), failed);  // head and body are separate writes
        std::thread([&, peer = std::move(socket)]() mutable {
            if (tls)
                serve_tls(std::move(peer), context, engines, log);
            else
                serve_plain(std::move(peer), engines, log);
        }).detach();
    }
}

}  // namespace holdfast::double_
