using System.Globalization;
using MambaExt.Data;

namespace MambaExt.Fscil.Protocol;

/// <summary>
/// Protocols as lists: a folder with <c>session_1.txt</c> (the base session), <c>session_2.txt</c>, ... and <c>test_1.txt</c>, ..., an image a line, by its
/// number from 0 or by its path. The classes of a session are those of its images, in the order in which they appear.
/// </summary>
public static class ProtocolLists
{
    private const string Sessions = "session_", Tests = "test_", Extension = ".txt";
    private const int MostSessions = 10_000;
    private static readonly Lazy<ILookup<string, PublishedFile>> Published = new(() => PublishedFileTable.Read(typeof(ProtocolLists).Assembly, "PublishedLists.tsv"));

    /// <summary>Data sets whose lists have a known SHA-256.</summary>
    public static IReadOnlyList<string> KnownSets => [.. Published.Value.Select(group => group.Key)];

    /// <summary>Reads a folder of lists.</summary>
    /// <param name="folder">Holds the lists</param>
    /// <param name="train">The images of the sessions</param>
    /// <param name="test">The images of the tests</param>
    /// <param name="labels">Labels in the data</param>
    /// <exception cref="InvalidDataException">A list breaks the format, names an image that is not there, or a session a class of another one.</exception>
    public static FscilProtocol Read(string folder, ListedImages train, ListedImages test, int labels)
    {
        int count = Count(folder);
        var order = new List<int>();
        var sessionOf = new Dictionary<int, int>();
        var sessions = new List<FscilSession>();
        for (int t = 0; t < count; t++)
        {
            int first = order.Count;
            int[] chosen = Images(folder, Name(Sessions, t), train, (line, label) =>
            {
                if (!sessionOf.TryAdd(label, t))
                {
                    return sessionOf[label] == t ? null : $"an image of class {train.ClassName(label)}, which {Name(Sessions, sessionOf[label])} has already";
                }

                order.Add(label);
                return null;
            });
            int[] tested = Images(folder, Name(Tests, t), test, (_, label) =>
                sessionOf.TryGetValue(label, out int session) && session == t ? null : $"an image of class {test.ClassName(label)}, which {Name(Sessions, t)} has not");
            sessions.Add(new FscilSession(t, first, order.Count - first, chosen, tested));
        }

        if (train.SameAs(test))
        {
            RefuseShared(sessions, train);
        }

        RefuseUnequalShots(sessions, train);
        return new FscilProtocol("lists", order, labels, sessions);
    }

    /// <summary>The lists of a folder, hashed; compared with the published ones of <paramref name="dataSet"/> where they are known.</summary>
    public static IReadOnlyList<DataSetFile> Hash(string folder, string dataSet)
    {
        IReadOnlyList<PublishedFile> known = Known(dataSet);
        return
        [
            .. Enumerable.Range(0, Count(folder)).SelectMany(t => new[] { Name(Sessions, t), Name(Tests, t) })
                .Select(name => DataSetFile.Of(Path.Combine(folder, name), name, known)),
        ];
    }

    /// <summary>In what lists that were hashed differ from the published ones of <paramref name="dataSet"/>, in words: contents, or their number; null where they do not, or none are known.</summary>
    public static string? Difference(IReadOnlyList<DataSetFile> lists, string dataSet)
    {
        string[] others = [.. lists.Where(f => f.Official == false).Select(f => f.Name)];
        if (others.Length > 0)
        {
            return others.Length == 1 ? $"{others[0]} differs" : $"{others[0]} and {others.Length - 1} more differ";
        }

        // Lists that are the published ones as far as they go are another protocol where some are left out.
        int known = Known(dataSet).Count / 2, sessions = lists.Count / 2;
        return known == 0 || known == sessions ? null : $"they have {sessions} sessions and the published ones {known}";
    }

    /// <summary>Writes a protocol as lists, and <c>classes.txt</c> with the name of each class; <see cref="Read"/> makes the same protocol of them.</summary>
    /// <param name="folder">Made; must not hold lists yet</param>
    /// <param name="protocol">Whose sessions</param>
    /// <param name="train">Names of its training images</param>
    /// <param name="test">Names of its test images</param>
    public static void Write(string folder, FscilProtocol protocol, ListedImages train, ListedImages test)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, Sessions + "*" + Extension).Any())
        {
            throw new ArgumentException($"'{folder}' holds lists already; give another folder, or remove them.");
        }

        Directory.CreateDirectory(folder);
        foreach (FscilSession session in protocol.Sessions)
        {
            WriteLines(Name(Sessions, session.Number), session.Train.Select(train.NameOf));
            WriteLines(Name(Tests, session.Number), session.Test.Select(test.NameOf));
        }

        WriteLines("classes.txt", protocol.ClassOrder.Select(train.ClassName));

        void WriteLines(string name, IEnumerable<string> lines) => Kernels.PartialFile.Write(Path.Combine(folder, name), stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (string line in lines)
            {
                writer.WriteLine(line);
            }
        });
    }

    /// <summary>An image that is trained on and tested on would be known by heart.</summary>
    private static void RefuseShared(List<FscilSession> sessions, ListedImages images)
    {
        var trained = new Dictionary<int, int>();
        sessions.ForEach(s => Array.ForEach(s.Train, image => trained[image] = s.Number));
        foreach (FscilSession session in sessions)
        {
            int line = Array.FindIndex(session.Test, trained.ContainsKey);
            if (line >= 0)
            {
                throw ListFile.Wrong(
                    Name(Tests, session.Number), line, $"{Kernels.BadFile.Quote(images.NameOf(session.Test[line]))}, which {Name(Sessions, trained[session.Test[line]])} trains on", "images that no session trains on", "remove the line from one of the two");
            }
        }
    }

    /// <summary>Classes of a session behind the base have as many shots each; one with fewer has lost some.</summary>
    private static void RefuseUnequalShots(List<FscilSession> sessions, ListedImages images)
    {
        foreach (FscilSession session in sessions.Skip(1))
        {
            (int Label, int Shots)[] shots = [.. session.Train.GroupBy(images.LabelOf).Select(g => (g.Key, g.Count()))];
            (int Label, int Shots) least = shots.MinBy(s => s.Shots), most = shots.MaxBy(s => s.Shots);
            if (least.Shots < most.Shots)
            {
                throw new InvalidDataException(
                    $"{Name(Sessions, session.Number)}: {least.Shots} image(s) of class {images.ClassName(least.Label)} and {most.Shots} of class {images.ClassName(most.Label)}; allowed is as many of each class; add images of the one or remove some of the other.");
            }
        }
    }

    /// <summary>The published lists of a data set, those of a session and of its test each; none where they are not known.</summary>
    internal static IReadOnlyList<PublishedFile> Known(string dataSet) => [.. Published.Value[dataSet.Replace('-', '_')]];

    private static string Name(string kind, int session) => string.Create(CultureInfo.InvariantCulture, $"{kind}{session + 1}{Extension}");

    private static int Count(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The folder of lists '{folder}' does not exist; give one with {Name(Sessions, 0)} and {Name(Tests, 0)}, or let a protocol be drawn.");
        }

        int count = 0;
        while (count < MostSessions && File.Exists(Path.Combine(folder, Name(Sessions, count))))
        {
            count++;
        }

        if (count == 0)
        {
            throw new FileNotFoundException($"'{folder}' holds no lists ({Name(Sessions, 0)} is missing); give the folder of a protocol's lists.");
        }

        // A list behind a gap would be left out without a word.
        string? behind = Directory.EnumerateFiles(folder, "*" + Extension).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)
            .FirstOrDefault(name => new[] { Sessions, Tests }.Any(kind => name.StartsWith(kind, StringComparison.Ordinal)
                && int.TryParse(name[kind.Length..^Extension.Length], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > count));
        if (behind is not null)
        {
            throw new InvalidDataException($"'{folder}' has {behind} and no {Name(Sessions, count)}; put that list there, or remove those behind it.");
        }

        string? missing = Enumerable.Range(0, count).Select(t => Name(Tests, t)).FirstOrDefault(name => !File.Exists(Path.Combine(folder, name)));
        return missing is null ? count : throw new FileNotFoundException($"'{folder}' has {count} session lists and no {missing}; put it there.");
    }

    private static int[] Images(string folder, string name, ListedImages images, Func<int, int, string?> check)
    {
        string[] lines = ListFile.Read(Path.Combine(folder, name));
        var chosen = new int[lines.Length];
        for (int i = 0; i < lines.Length; i++)
        {
            if (images.Find(lines[i]) is not { } index)
            {
                throw ListFile.Wrong(name, i, $"{Kernels.BadFile.Quote(lines[i])}, which is not among the data", images.Allowed, "give the lists that belong to this data, or put the image there");
            }

            if (check(i, images.LabelOf(index)) is { } fault)
            {
                throw ListFile.Wrong(name, i, fault, "each class in one session, and in its tests", "correct the lists");
            }

            chosen[i] = index;
        }

        return chosen;
    }
}
