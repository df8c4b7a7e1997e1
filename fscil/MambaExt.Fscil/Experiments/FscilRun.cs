using MambaExt.Fscil.Metrics;

namespace MambaExt.Fscil.Experiments;

/// <summary>Which training of a run: the backbone of a seed, or a method on it.</summary>
/// <param name="Method">Its name, or <see cref="Base"/></param>
/// <param name="Seed">Of weights, orders, augmentation, and of the protocol where it is drawn</param>
/// <param name="Trial">0 for the run itself; k from 1 for setting k on base classes that are held back</param>
/// <param name="Head">What the backbone is trained under, where that is not the recipe's own head; else null</param>
public readonly record struct FscilRunKey(string Method, int Seed, int Trial = 0, string? Head = null)
{
    /// <summary>The backbone's training, which all methods of a seed share that have the same head.</summary>
    public const string Base = "base";

    /// <summary>As it is called in progress and in <c>metrics.jsonl</c>.</summary>
    public string Name => Method == Base ? $"base{(Head is null ? "" : $" ({Head})")}{(Trial == 0 ? "" : ", classes held back")}" : Trial == 0 ? Method : FormattableString.Invariant($"{Method}, trial {Trial}");
}

/// <summary>What came of one of them.</summary>
/// <param name="method">Its name</param>
/// <param name="seed">Of the run</param>
/// <param name="scores">Null for the backbone</param>
/// <param name="validation">Accuracy of the backbone on the base images that were kept to choose by, percent; null for a method, and where nothing was kept</param>
/// <param name="epochs">Of the backbone's training; 0 for a method</param>
/// <param name="best_epoch">The one chosen</param>
/// <param name="base_seconds">Training on the base session: the backbone's, or the method's on its maps</param>
/// <param name="session_seconds">Learning all later sessions, and judging all of them</param>
/// <param name="parameters">Of the backbone, or of what the method adds</param>
public sealed record FscilRun(
    string method, int seed, FscilScores? scores, double? validation, int epochs, int best_epoch, double base_seconds, double session_seconds, long parameters)
{
    /// <summary>Where the class means lie: their two main directions, after the last session.</summary>
    public IReadOnlyList<PlanePoint> class_means { get; init; } = [];

    /// <summary>What each session took; none for the backbone.</summary>
    public IReadOnlyList<SessionCost> costs { get; init; } = [];
}

/// <summary>What a session took.</summary>
/// <param name="session">0 for the base session</param>
/// <param name="seconds">Learning it, and judging all test images so far</param>
/// <param name="peak_bytes">Largest resident set of the process meanwhile, maps of the whole protocol included; what a graphics card holds is not in it</param>
public readonly record struct SessionCost(int session, double seconds, long peak_bytes);

/// <summary>A point of a plane.</summary>
/// <param name="x">Along the first main direction</param>
/// <param name="y">Along the second</param>
public readonly record struct PlanePoint(double x, double y);
