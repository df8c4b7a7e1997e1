using System.Buffers;
using System.Globalization;

namespace MambaExt.Reports;

/// <summary>
/// Writes HTML and SVG that is well-formed XML too: every element is closed by its scope, and whatever comes from a file is escaped.
/// Nothing can be written unescaped but the page's own style sheet.
/// </summary>
internal sealed class Html(TextWriter to)
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " \n!#$%()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private int _level;
    private int _ids;

    /// <summary>Opens an element; it is closed where the scope is disposed. An attribute of value null is left out.</summary>
    public Scope Open(string tag, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(tag, attributes);
        to.Write('>');
        return new Scope(this, tag, 0);
    }

    /// <summary>An element that holds text alone.</summary>
    public void Element(string tag, string text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        using (Open(tag, attributes))
        {
            Text(text);
        }
    }

    /// <summary>An element without content. Only for elements that HTML or SVG allows to close themselves.</summary>
    public void Empty(string tag, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(tag, attributes);
        to.Write(" />");
    }

    /// <summary>A section under a heading one level below that of the section around it.</summary>
    public Scope Section(string title, string? id = null, string tag = "section")
    {
        string heading = $"h{Math.Min(++_level, 6)}", name = id ?? NextId("section");
        to.Write('\n');
        Start(tag, [("aria-labelledby", name)]);
        to.Write('>');
        Element(heading, title, ("id", name));
        return new Scope(this, tag, 1);
    }

    /// <summary>A table under its caption. One that is wider than the window scrolls by itself, by keyboard too, and the caption stays.</summary>
    public Scope Table(string caption, string? name = null)
    {
        string id = NextId("table");
        Element("p", caption, ("class", "caption"), ("id", id));
        Start("div", [("class", "scroll"), ("role", "region"), ("aria-labelledby", id), ("tabindex", "0")]);
        to.Write('>');
        Start("table", [("class", name), ("aria-labelledby", id)]);
        to.Write('>');
        return new Scope(this, "table></div", 0);
    }

    public void Text(string text)
    {
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int plain = rest.IndexOfAnyExcept(Plain);
            if (plain != 0)
            {
                to.Write(plain < 0 ? rest : rest[..plain]);
                rest = plain < 0 ? default : rest[plain..];
                continue;
            }

            int used = char.IsHighSurrogate(rest[0]) && rest.Length > 1 && char.IsLowSurrogate(rest[1]) ? 2 : 1;
            to.Write(used == 2 ? rest[..2].ToString() : Escaped(rest[0]));
            rest = rest[used..];
        }
    }

    /// <summary>The style sheet: a constant of this library without &lt; and &amp;.</summary>
    public void Style(string css)
    {
        using (Open("style"))
        {
            to.Write(css);
        }
    }

    /// <summary>A name that no other element of the page has.</summary>
    public string NextId(string stem) => $"{stem}-{++_ids}";

    private void Start(string tag, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        to.Write('<');
        to.Write(tag);
        foreach (var (name, value) in attributes)
        {
            if (value is not null)
            {
                to.Write($" {name}=\"");
                Text(value);
                to.Write('"');
            }
        }
    }

    private static string Escaped(char c) => c switch
    {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        '\t' or '\r' => " ",

        // XML knows no control characters and no half characters; marks that turn the direction of the text around them hide what it says.
        _ when char.IsControl(c) || char.IsSurrogate(c) || c >= '\ufffe' || (c is >= '\u202a' and <= '\u202e') || (c is >= '\u2066' and <= '\u2069') => "\ufffd",
        _ => c.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Closes its element.</summary>
    internal readonly struct Scope(Html html, string closing, int levels) : IDisposable
    {
        public void Dispose()
        {
            html._level -= levels;
            html.Write($"</{closing}>");
        }
    }

    private void Write(string own) => to.Write(own);
}
