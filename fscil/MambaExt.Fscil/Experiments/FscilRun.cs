using MambaExt.Fscil.Metrics;

namespace MambaExt.Fscil.Experiments;

/// <summary>Which training of a run: the backbone of a seed, or a method on it.</summary>
/// <param name="Method">Its name, or <see cref="Base"/></param>
/// <param name="Seed">Of weights, orders, augmentation, and of the protocol where it is drawn</param>
public readonly record struct FscilRunKey(string Method, int Seed)
{
    /// <summary>The backbone's training, which all methods of a seed share.</summary>
    public const string Base = "base";
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
    string method, int seed, FscilScores? scores, double? validation, int epochs, int best_epoch, double base_seconds, double session_seconds, long parameters);
