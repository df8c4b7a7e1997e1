namespace MambaExt.Fscil.Protocol;

/// <summary>
/// A protocol of few-shot class-incremental learning (Tao et al., CVPR 2020): a base session with many classes and images, then sessions with a few new classes
/// and a few images of each. Classes are numbered in the order in which they come; labels are joint over all sessions, and no session is named at test time.
/// </summary>
public sealed class FscilProtocol
{
    private readonly int[] _position;

    /// <summary>Checks and wraps the sessions.</summary>
    /// <param name="source">Where it comes from, in a word: lists, or a seed</param>
    /// <param name="classOrder">Label in the data of each class, in the order of the protocol, [K]</param>
    /// <param name="labels">Labels in the data, more than those of the protocol perhaps</param>
    /// <param name="sessions">The base session and those behind it</param>
    /// <exception cref="InvalidDataException">A class comes twice, or sessions do not follow one another.</exception>
    public FscilProtocol(string source, IReadOnlyList<int> classOrder, int labels, IReadOnlyList<FscilSession> sessions)
    {
        (Source, ClassOrder, Sessions, _position) = (source, [.. classOrder], sessions, new int[labels]);
        Array.Fill(_position, -1);
        for (int k = 0; k < classOrder.Count; k++)
        {
            ref int at = ref _position[classOrder[k]];
            at = at < 0 ? k : throw new InvalidDataException($"The class with label {classOrder[k]} comes twice in the order of classes, as number {at} and as number {k}; allowed is once.");
        }

        int next = 0;
        for (int t = 0; t < sessions.Count; t++)
        {
            FscilSession session = sessions[t];
            if (session.Number != t || session.FirstClass != next || session.ClassCount < 1 || session.Train.Length == 0 || session.Test.Length == 0)
            {
                throw new InvalidDataException($"Session {t} has {session.ClassCount} classes from {session.FirstClass}, {session.Train.Length} training and {session.Test.Length} test images; allowed is at least one of each, classes from {next} on.");
            }

            next += session.ClassCount;
        }

        if (sessions.Count < 1 || next != classOrder.Count)
        {
            throw new InvalidDataException($"{sessions.Count} sessions hold {next} classes and the order of classes has {classOrder.Count}; allowed is a base session and as many classes as the order.");
        }
    }

    /// <summary>Where it comes from.</summary>
    public string Source { get; }

    /// <summary>Label in the data of each class, [K].</summary>
    public IReadOnlyList<int> ClassOrder { get; }

    /// <summary>The base session, 0, and those behind it.</summary>
    public IReadOnlyList<FscilSession> Sessions { get; }

    /// <summary>K, classes of all sessions.</summary>
    public int ClassCount => ClassOrder.Count;

    /// <summary>Classes of the base session.</summary>
    public int BaseClasses => Sessions[0].ClassCount;

    /// <summary>Classes known after session t.</summary>
    public int SeenClasses(int session) => Sessions[session].FirstClass + Sessions[session].ClassCount;

    /// <summary>The class of a label in the data, or -1 where the protocol has it not.</summary>
    public int ClassOf(int label) => (uint)label < (uint)_position.Length ? _position[label] : -1;

    /// <summary>The session in which a class comes.</summary>
    public int SessionOf(int class_) => Sessions.First(s => class_ < s.FirstClass + s.ClassCount).Number;

    /// <summary>"60 + 8 x 5 classes, 5 shots (lists)".</summary>
    public string Summary
    {
        get
        {
            int[] ways = [.. Sessions.Skip(1).Select(s => s.ClassCount).Distinct()];
            double[] shots = [.. Sessions.Skip(1).Select(s => (double)s.Train.Length / s.ClassCount).Distinct()];
            string increments = Sessions.Count == 1 ? "" : FormattableString.Invariant($" + {Sessions.Count - 1} x {(ways.Length == 1 ? ways[0] : (object)"some")}");
            string given = Sessions.Count == 1 ? "" : FormattableString.Invariant($", {(shots.Length == 1 ? shots[0] : (object)"some")} shots");
            return $"{BaseClasses}{increments} classes{given} ({Source})";
        }
    }
}
