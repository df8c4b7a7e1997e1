using System.Globalization;
using System.Text;

namespace MambaExt.Data;

/// <summary>The two kinds of escaped text of protocol 0.</summary>
internal static class PickleText
{
    /// <summary>A Python 2 string literal: quotes around it, backslash escapes in it.</summary>
    public static bool TryUnquote(string literal, out string text)
    {
        text = "";
        if (literal.Length < 2 || literal[0] is not ('\'' or '"') || literal[^1] != literal[0])
        {
            return false;
        }

        StringBuilder plain = new(literal.Length);
        for (int i = 1; i < literal.Length - 1; i++)
        {
            char sign = literal[i];
            if (sign == '\\')
            {
                char kind = ++i < literal.Length - 1 ? literal[i] : '\0';
                sign = kind switch
                {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '\\' or '\'' or '"' => kind,
                    'x' when TryHex(literal, i + 1, 2, out int code) => (char)code,
                    _ => '\uFFFF',
                };
                if (sign == '\uFFFF')
                {
                    return false;
                }

                i += kind == 'x' ? 2 : 0;
            }

            plain.Append(sign);
        }

        text = plain.ToString();
        return true;
    }

    /// <summary>Latin-1 text in which \uXXXX and \UXXXXXXXX stand for the other characters.</summary>
    public static bool TryUnescape(string raw, out string text)
    {
        StringBuilder plain = new(raw.Length);
        text = "";
        for (int i = 0; i < raw.Length; i++)
        {
            int digits = raw[i] == '\\' && i + 1 < raw.Length ? raw[i + 1] switch { 'u' => 4, 'U' => 8, _ => 0 } : 0;
            if (digits == 0)
            {
                plain.Append(raw[i]);
                continue;
            }

            if (!TryHex(raw, i + 2, digits, out int code) || code is < 0 or > 0x10FFFF || (digits == 8 && code is >= 0xD800 and < 0xE000))
            {
                return false;
            }

            plain.Append(code <= 0xFFFF ? ((char)code).ToString() : char.ConvertFromUtf32(code));
            i += digits + 1;
        }

        text = plain.ToString();
        return true;
    }

    private static bool TryHex(string text, int from, int digits, out int code)
    {
        code = 0;
        return from + digits <= text.Length
            && int.TryParse(text.AsSpan(from, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code);
    }
}
