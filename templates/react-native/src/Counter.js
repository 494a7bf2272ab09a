import { useState } from "react";
import { StyleSheet, Text, TouchableOpacity } from "react-native";

export default function Counter() {
  const [count, setCount] = useState(0);
  return (
    <TouchableOpacity role="button" style={styles.button} onPress={() => setCount((value) => value + 1)}>
      <Text style={styles.label}>count is {count}</Text>
    </TouchableOpacity>
  );
}

const styles = StyleSheet.create({
  button: { paddingVertical: 10, paddingHorizontal: 16, borderRadius: 8, backgroundColor: "#0f766e" },
  label: { fontSize: 16, color: "#ffffff" },
});
