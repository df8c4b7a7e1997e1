namespace MambaExt.Cli.Tests.Support;

/// <summary>What came of a command.</summary>
internal sealed record Answer(int Code, string Out, string Error)
{
    /// <summary>The command was refused with <paramref name="code"/> and one sentence, which mentions each of <paramref name="mentions"/>.</summary>
    public void Refuses(int code, params string[] mentions)
    {
        Assert.Equal(code, Code);
        Assert.Empty(Out);
        string line = Assert.Single(Error.TrimEnd().Split('\n'));
        Assert.Matches("[.?]$", line);
        foreach (string mention in mentions)
        {
            Assert.Contains(mention, line, StringComparison.Ordinal);
        }
    }

    /// <summary>As <see cref="Refuses"/>, after lines of progress.</summary>
    public void Ends(int code, params string[] mentions) => (this with { Error = Error.TrimEnd().Split('\n')[^1] }).Refuses(code, mentions);
}
