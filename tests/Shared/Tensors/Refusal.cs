namespace MambaExt.Tests.Shared;

/// <summary>A refusal is one sentence: what was given, what is allowed, what to do.</summary>
internal static class Refusal
{
    /// <summary>Runs <paramref name="call"/>, which must refuse with every one of <paramref name="words"/>.</summary>
    public static void Of<TException>(Action call, params string[] words)
        where TException : Exception
    {
        string message = Xunit.Assert.Throws<TException>(call).Message;
        Xunit.Assert.All(words, word => Xunit.Assert.Contains(word, message, StringComparison.Ordinal));
        Xunit.Assert.DoesNotContain('\n', message);
        Xunit.Assert.DoesNotContain(". ", message, StringComparison.Ordinal);
        Xunit.Assert.EndsWith(".", message, StringComparison.Ordinal);
    }
}
