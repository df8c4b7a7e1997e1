using MambaExt.Data;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data;

public sealed class TextTableTests
{
    [Theory]
    [InlineData("a,b\n1,2\n", "a|b;1|2")]
    [InlineData("a\tb, c\n1\t2\r\n", "a|b, c;1|2")]
    [InlineData("a;b\n1;2,5", "a|b;1|2,5")]
    [InlineData("a  b\n 1 2 \n", "a|b;1|2")]
    [InlineData("# edges\n% more\n\n1 2\n\n3 4", "1|2;3|4")]
    [InlineData("\"a, b\",\"say \"\"yes\"\"\"\n\"\" , x \n", "a, b|say \"yes\";|x")]
    [InlineData("a,\n,b\n", "a|;|b")]
    [InlineData("only\n", "only")]
    [InlineData("city\nnew york\n\"\"\n\n\"a, b\"\n", "city;new york;;a, b")]
    [InlineData("\uFEFFa,b\n", "a|b")]
    [InlineData("", "")]
    public void Cells_stand_between_what_the_first_line_has(string text, string cells) =>
        Assert.Equal(cells, string.Join(';', Read(text).Select(row => string.Join('|', row.Cells))));

    [Fact]
    public void Lines_are_counted_from_one_with_those_passed_over() =>
        Assert.Equal([2, 4], Read("#\na,b\n\nc,d\n").Select(row => row.Line));

    [Theory]
    [InlineData("a,b\nc\n", "line 2", "1 cells", "2 cells")]
    [InlineData("a,\"b\n", "line 1", "not closed")]
    [InlineData("\"a\"b,c\n", "line 1", "behind a closing quote")]
    public void Broken_lines_are_named(string text, params string[] mentions)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));
        Assert.StartsWith("table.csv, ", error.Message, StringComparison.Ordinal);
        Assert.All(mentions, mention => Assert.Contains(mention, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("table.csv");
        File.WriteAllBytes(path, [(byte)'a', 0xFF, 0xFE, (byte)'\n']);
        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(() => new TextTable(path).Rows().ToList()).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => new TextTable(Path.Combine(folder.Path, "none")));
    }

    private static List<(string[] Cells, int Line)> Read(string text)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("table.csv");
        File.WriteAllText(path, text);
        return [.. new TextTable(path).Rows()];
    }
}
