namespace MambaExt.Fscil.Protocol;

/// <summary>How a protocol is drawn from a seed.</summary>
/// <param name="base_classes">Classes of the base session</param>
/// <param name="ways">New classes of each session behind it</param>
/// <param name="shots">Training images of each of them</param>
/// <param name="seed">Of the order of classes and of the shots</param>
/// <param name="sessions">Sessions behind the base; 0 for as many as the classes fill</param>
public sealed record ProtocolOptions(int base_classes, int ways, int shots, int seed = 0, int sessions = 0);
