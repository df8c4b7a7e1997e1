namespace MambaExt.Fscil.Protocol;

/// <summary>One session: the classes that are new in it and the images of them.</summary>
/// <param name="Number">0 for the base session</param>
/// <param name="FirstClass">Its classes are FirstClass ... FirstClass + ClassCount - 1 of the protocol</param>
/// <param name="ClassCount">Classes that are new in it</param>
/// <param name="Train">Numbers of training images of these classes, as the protocol lists them</param>
/// <param name="Test">Numbers of test images of these classes; a session is judged on those of all sessions up to it</param>
public sealed record FscilSession(int Number, int FirstClass, int ClassCount, int[] Train, int[] Test);
