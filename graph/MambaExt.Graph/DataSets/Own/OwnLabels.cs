using System.Globalization;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>From words to classes: numbers in their order, words in the order of the alphabet.</summary>
internal static class OwnLabels
{
    /// <summary>The class of each vertex, or -1, and the name of each class.</summary>
    public static (int[] Labels, string[] Classes) Of(OwnColumn column, OwnVertices own, List<string> notes)
    {
        int[] place = column.ByVertex(own.Graph.VertexCount, own.Find);
        bool numbers = column.Words.All(word => word.Length == 0 || HeaderWords.IsInteger(word));
        string[] words = Array.ConvertAll(column.Words, word => numbers && word.Length > 0 ? Plain(word) : word);
        bool None(string word) => word.Length == 0 || (numbers && word == "-1");
        string[] distinct = [.. words.Where(word => !None(word)).Distinct()];
        string[] classes = numbers ? [.. distinct.OrderBy(word => long.Parse(word, CultureInfo.InvariantCulture))] : [.. distinct.Order(StringComparer.Ordinal)];
        if (classes.Length < 2)
        {
            throw new InvalidDataException($"{column.File} has {classes.Length} different classes; at least 2 are needed.");
        }

        if (classes.Length > Math.Max(100, words.Length / 2))
        {
            throw new InvalidDataException($"{column.File} has {classes.Length} different classes for {words.Length} vertices; give classes, not numbers to be predicted.");
        }

        var classOf = classes.Select((word, k) => (word, k)).ToDictionary(pair => pair.word, pair => pair.k);
        int[] labels = Array.ConvertAll(place, i => i < 0 || None(words[i]) ? -1 : classOf[words[i]]);
        int without = labels.Count(label => label < 0);
        if (without > 0)
        {
            notes.Add(Invariant($"{without:N0} of {labels.Length:N0} vertices have no class; they take part in the graph alone"));
        }

        return (labels, classes);
    }

    /// <summary>So that 01 and 1 are one class.</summary>
    private static string Plain(string word) => long.Parse(word, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
}
