/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c's question d, asked of RapidJSON with the flags that TensorFlow Serving sets: the value
 * as its error texts show it, or why there is none. */
#include <cstdint>
#include <cstdio>
#include <string>

#include <rapidjson/document.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

namespace {

enum { TAKEN, REFUSED };
constexpr size_t kDumpMax = 256;
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNanAndInfFlag |
                            rapidjson::kParseStopWhenDoneFlag;

int answer(const std::string &text, std::string *out)
{
    *out = "JSON Parse error: ";
    if (text.empty()) {
        *out += "The document is empty";
        return REFUSED;
    }
    rapidjson::Document document;
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    if (document.ParseStream<kFlags>(stream).HasParseError()) {
        *out += rapidjson::GetParseError_En(document.GetParseError());
        *out += " at offset: " + std::to_string(document.GetErrorOffset());
        return REFUSED;
    }
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetFormatOptions(rapidjson::kFormatSingleLineArray);
    document.Accept(writer);
    *out = std::string(buffer.GetString(), buffer.GetSize()).substr(0, kDumpMax);
    return TAKEN;
}

} // namespace

int main()
{
    for (int kind; (kind = getchar()) != EOF;) {
        uint32_t len;
        if (fread(&len, sizeof len, 1, stdin) != 1)
            return 1;
        std::string text(len, 0), out;
        if (len && fread(&text[0], 1, len, stdin) != len)
            return 1;
        putchar(answer(text, &out));
        len = static_cast<uint32_t>(out.size());
        fwrite(&len, sizeof len, 1, stdout);
        fwrite(out.data(), 1, len, stdout);
        fflush(stdout);
    }
}
