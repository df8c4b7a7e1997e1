using MambaExt.Data;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// The ten splits of Pei et al. 2020 (Geom-GCN, arXiv 2002.05287), <c>NAME_split_0.6_0.2_K.npz</c>. They do not always cover a graph:
/// those of Cora and two of CiteSeer leave vertices out; and they name the vertices of CiteSeer that have no label, which are taken out.
/// </summary>
internal static class GeomGcnSplits
{
    public const int Count = 10;

    /// <summary>Names of the ten files, or none where the family has none for a data set.</summary>
    public static IReadOnlyList<string> Files(string dataSet) => dataSet switch
    {
        "cora" or "citeseer" or "pubmed" or "texas" or "cornell" or "wisconsin" => Names(dataSet),
        "actor" => Names("film"),
        _ => [],
    };

    /// <summary>The splits; null where there are none of this data set, or not in the data folder and not <paramref name="required"/>.</summary>
    /// <exception cref="FileNotFoundException">They are required, and their files are not in the data folder.</exception>
    public static SplitSet? Read(DataSetRequest request, int[] labels, bool required = true)
    {
        IReadOnlyList<string> names = Files(request.Info.Name);
        string? folder = names.Count == 0 ? null : request.Elsewhere(names);
        if (names.Count == 0 || (folder is null && !required))
        {
            return null;
        }

        _ = folder ?? throw new FileNotFoundException(
            $"The geom-gcn splits of {request.Info.Name} are not below '{request.Root}'; put {names[0]} to {names[^1]} into one folder there, or download them with 'mambaext data get {request.Info.Name}'.");
        return In(folder, names, request, labels);
    }

    private static SplitSet In(string folder, IReadOnlyList<string> names, DataSetRequest request, int[] labels)
    {
        var notes = new List<string>();
        var splits = new List<NodeSplit>();
        foreach (string name in names)
        {
            NodeSplit split = SplitFile.Read(Path.Combine(folder, name), labels.Length) is [var one]
                ? one
                : throw new InvalidDataException($"{name} holds several splits; files of this family hold one each.");
            var labelled = new NodeSplit(WithLabel(split.Train), WithLabel(split.Validation), WithLabel(split.Test));
            int named = split.Train.Length + split.Validation.Length + split.Test.Length, kept = labelled.Train.Length + labelled.Validation.Length + labelled.Test.Length;
            if (named < labels.Length || kept < named)
            {
                notes.Add(Invariant($"{name} names {named:N0} of {labels.Length:N0} vertices{(kept < named ? Invariant($", {named - kept:N0} of them without a label, which were taken out") : "")}"));
            }

            splits.Add(labelled);
        }

        DataSetFile[] files = [.. names.Select(name => DataSetFile.Of(Path.Combine(folder, name), name, request.Info.Published))];
        return new SplitSet(splits, "geom-gcn", files, Shorter(notes, names.Count));

        int[] WithLabel(int[] part) => [.. part.Where(v => labels[v] >= 0)];
    }

    /// <summary>One line where all splits say the same.</summary>
    private static IReadOnlyList<string> Shorter(List<string> notes, int count)
    {
        string[] facts = [.. notes.Select(note => note[(note.IndexOf(' ', StringComparison.Ordinal) + 1)..]).Distinct()];
        return facts.Length == 1 && notes.Count == count ? [$"each split {facts[0]}"] : notes;
    }

    private static string[] Names(string prefix) => [.. Enumerable.Range(0, Count).Select(k => $"{prefix}_split_0.6_0.2_{k}.npz")];
}
