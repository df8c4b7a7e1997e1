namespace MambaExt.Reports.Parts;

/// <summary>The same content for each of several models: the first is open, the others unfold.</summary>
internal static class ModelFolds
{
    /// <summary>Calls <paramref name="write"/> with each model and its colour.</summary>
    public static void Write<T>(Html html, IReadOnlyList<T> models, Func<T, string> name, Action<T, int> write)
    {
        foreach (var (i, model) in models.Index())
        {
            if (models.Count == 1)
            {
                write(model, i);
                continue;
            }

            using (html.Open("details", ("open", i == 0 ? "open" : null), ("class", "model")))
            {
                html.Element("summary", name(model) is { Length: > 0 } given ? Figures.Short(given, 200) : "unnamed model");
                write(model, i);
            }
        }
    }
}
