namespace MambaExt.Fscil.Metrics;

/// <summary>What a model gets right after one session, percent, over the test images of all classes seen so far and in their joint label space.</summary>
/// <param name="session">0 for the base session</param>
/// <param name="classes">Classes seen</param>
/// <param name="overall">Images of all seen classes</param>
/// <param name="base">Images of base classes</param>
/// <param name="novel">Images of the classes of all later sessions; null in session 0</param>
/// <param name="old_novel">Those of them without the newest session's; null in sessions 0 and 1</param>
/// <param name="newest">Images of this session's classes</param>
/// <param name="harmonic">2 b n / (b + n) of base and novel, 0 where both are 0; null in session 0</param>
public sealed record SessionScores(int session, int classes, double overall, double @base, double? novel, double? old_novel, double newest, double? harmonic);
