namespace MambaExt.Graph.Tests.Support;

/// <summary>The form of every message for a user: one sentence, with what was given and what to do.</summary>
internal static class OneSentence
{
    public static string Of<T>(Action action, params string[] mentions)
        where T : Exception
    {
        T error = Assert.Throws<T>(action);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(". ", error.Message, StringComparison.Ordinal);
        foreach (string mention in mentions)
        {
            Assert.Contains(mention, error.Message, StringComparison.Ordinal);
        }

        return error.Message;
    }
}
