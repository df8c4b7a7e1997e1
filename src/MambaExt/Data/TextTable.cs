using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>
/// Rows of a text file whose cells stand between commas, tabs, semicolons or blanks, whichever its first line has, in this order: tab, comma,
/// semicolon, blank; where it has none there is one column. A cell may be quoted ("a, b", with "" for a quote inside). Lines that are empty or begin with # or % are passed over; all
/// others have as many cells as the first.
/// </summary>
public sealed class TextTable
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly string path;

    /// <summary>A table over a file that is read anew by each enumeration.</summary>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public TextTable(string path)
    {
        BadFile.ThrowIfMissing(path);
        this.path = path;
        Name = Path.GetFileName(path);
    }

    /// <summary>Name of the file, for messages.</summary>
    public string Name { get; }

    /// <summary>The cells of each row with the number of its line, counted from 1.</summary>
    /// <exception cref="InvalidDataException">A row has another number of cells, a quote is not closed, or the bytes are no UTF-8.</exception>
    public IEnumerable<(string[] Cells, int Line)> Rows()
    {
        using var reader = new StreamReader(path, StrictUtf8);
        int line = 0, columns = -1;
        char separator = '\0';
        while (Next(reader, line) is { } text)
        {
            line++;
            if (text.AsSpan().Trim() is { Length: 0 } or ['#' or '%', ..])
            {
                continue;
            }

            if (columns < 0)
            {
                // One column alone is like one between commas: its cells may hold blanks and quotes.
                separator = "\t,;".FirstOrDefault(text.Contains, text.Trim().Contains(' ', StringComparison.Ordinal) ? ' ' : ',');
            }

            string[] cells = Cells(text, separator, line);
            columns = columns < 0 ? cells.Length : columns;
            yield return cells.Length == columns
                ? (cells, line)
                : throw Bad(line, $"{cells.Length} cells", $"{columns} cells, as in the first line");
        }
    }

    /// <summary>An error about a line of this file.</summary>
    public InvalidDataException Bad(int line, string found, string allowed, string remedy = "correct the file") =>
        new($"{Name}, line {line}: found {found}; allowed is {allowed}; {remedy}.");

    private string? Next(StreamReader reader, int line)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{Name}, after line {line}: found bytes that are no UTF-8; allowed is UTF-8 text; save the file in that encoding.", error);
        }
    }

    private string[] Cells(string text, char separator, int line)
    {
        if (separator == ' ')
        {
            return text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        }

        if (!text.Contains('"', StringComparison.Ordinal))
        {
            return text.Split(separator, StringSplitOptions.TrimEntries);
        }

        var cells = new List<string>();
        for (int at = 0; at <= text.Length; at++)
        {
            while (at < text.Length && text[at] == ' ')
            {
                at++;
            }

            if (at == text.Length || text[at] != '"')
            {
                int end = text.IndexOf(separator, Math.Min(at, text.Length));
                end = end < 0 ? text.Length : end;
                cells.Add(text[at..end].Trim());
                at = end;
                continue;
            }

            var cell = new StringBuilder();
            for (at++; at < text.Length && (text[at] != '"' || (at + 1 < text.Length && text[at + 1] == '"')); at++)
            {
                at += text[at] == '"' ? 1 : 0;
                cell.Append(text[at]);
            }

            int next = Math.Min(at + 1, text.Length);
            while (next < text.Length && text[next] == ' ')
            {
                next++;
            }

            if (at >= text.Length || (next < text.Length && text[next] != separator))
            {
                throw Bad(line, at >= text.Length ? "a quote that is not closed" : "text behind a closing quote", "quotes around a whole cell in one line");
            }

            cells.Add(cell.ToString());
            at = next;
        }

        return [.. cells];
    }
}
